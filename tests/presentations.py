"""Every presentation variant by name, with the code it is rejected with; None: it is accepted.

`python -m tests.presentations` prints them as a table.
"""

import sys
from collections.abc import Mapping
from functools import cache

from contracts.errors import Rejected
from tests.key_binding_variants import key_binding_variants
from tests.mdoc_variants import mdoc_variants
from tests.presentation_issuers import NOW, Variant
from tests.sd_jwt_variants import sd_jwt_variants
from workers.verifier.presentations import verify_presentations


@cache
def variants() -> Mapping[str, Variant]:
    """Return every variant; the first two parts of one are the vp_token and the expected code."""
    named = [*sd_jwt_variants(), *key_binding_variants(), *mdoc_variants()]
    found = dict(named)
    assert len(found) == len(named)
    return found


def main() -> None:
    """Print each variant with what the verifier says of it."""
    for name, variant in variants().items():
        try:
            found = verify_presentations(
                variant.claims, variant.policy, at=NOW, digest=lambda _: "digest"
            )
            verdict = f"accepted, holder binding {found[0].holder_binding}"
        except Rejected as error:
            verdict = str(error)
        sys.stdout.write(f"{name:<52} {verdict}\n")


if __name__ == "__main__":
    main()
