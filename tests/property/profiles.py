"""Bound what properties cost: the gate draws the same few examples every time.

`pytest --hypothesis-profile long` draws many new ones.
"""

from datetime import timedelta

from hypothesis import HealthCheck, settings


def register_profiles() -> None:
    """Make both profiles known and use `gate`, unless the command line chooses the other."""
    settings.register_profile(
        "gate",
        max_examples=60,
        deadline=timedelta(seconds=5),
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.register_profile(
        "long", settings.get_profile("gate"), max_examples=5_000, derandomize=False
    )
    settings.load_profile("gate")
