"""Every presentation variant by name, with the code it is rejected with; None: it is accepted."""

from collections.abc import Mapping
from functools import cache

from tests.presented.issuers import Variant
from tests.presented.key_binding import key_binding_variants
from tests.presented.mdoc import mdoc_variants
from tests.presented.sd_jwt import sd_jwt_variants


@cache
def variants() -> Mapping[str, Variant]:
    """Return every variant; the first two parts of one are the vp_token and the expected code."""
    named = [*sd_jwt_variants(), *key_binding_variants(), *mdoc_variants()]
    found = dict(named)
    assert len(found) == len(named)
    return found
