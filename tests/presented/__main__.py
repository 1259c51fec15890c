"""Print every presentation variant with the verdict on it: `python -m tests.presented`."""

import sys

from contracts.errors import Rejected
from tests.presented.issuers import NOW
from tests.presented.variants import variants
from workers.verifier.presentations import verify_presentations


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
