"""Say who may call the intake of a test: two public bodies, and their keys."""

from typing import Any, Final

KEY: Final = "a-key-of-the-comune-0123456789abcdef"
OTHER_KEY: Final = "a-key-of-another-body-0123456789abcdef"
GROUP_KEY: Final = "a-key-of-one-group-0123456789abcdef"
SECRETS: Final = {
    "comune.key": KEY,
    "other.key": OTHER_KEY,
    "group.key": GROUP_KEY,
    "slot.key": "a-key-that-seals-slots-0123456789abcdef",
    "iun.key": "a-key-that-permutes-iuns-0123456789abcdef",
}


def send_endpoint(**changes: object) -> dict[str, Any]:
    """Return an endpoint with two public bodies, one of which has a key for one group."""
    return {
        "name": "send-it",
        "provider": "send",
        "path": "/callbacks/send",
        "api_key": {"keys": [{"id": "delivery", "file": "iun.key"}]},
        "notifications": {
            "bodies": [
                {
                    "id": "comune",
                    "tax_id": "77777777777",
                    "keys": [
                        {"id": "a", "file": "comune.key"},
                        {"id": "g", "file": "group.key", "groups": ["tributi"]},
                    ],
                },
                {
                    "id": "other",
                    "tax_id": "80016350821",
                    "keys": [{"id": "a", "file": "other.key"}],
                },
            ],
            "attachments": {"slot_keys": [{"id": "s", "file": "slot.key"}]},
            "iun_keys": {"keys": [{"id": "i", "file": "iun.key"}]},
            **changes,
        },
    }
