"""What the plan of the topics promises to docs/PRIVACY.md: a term is over when it says so."""

from contracts.topics import Role
from ops.topics import SEGMENT_DAYS, planned_topics
from runtime.configuration import Configuration

DAY_MILLISECONDS = 86_400_000
CONFIGURATION = Configuration.model_validate(
    {"endpoints": [{"name": "pivot-id", "provider": "pivot", "path": "/callbacks/pivot"}]}
)


def test_segments_of_what_is_deleted_end_a_day_after_they_began() -> None:
    plans = [one for one in planned_topics(CONFIGURATION) if one.role is not Role.STATE]

    assert len(plans) == 5
    assert SEGMENT_DAYS == 1
    assert {one.settings["segment.ms"] for one in plans} == {str(DAY_MILLISECONDS)}


def test_what_the_changelog_forgets_is_compacted_away_within_a_day() -> None:
    (plan,) = [one for one in planned_topics(CONFIGURATION) if one.role is Role.STATE]

    assert plan.settings["cleanup.policy"] == "compact"
    assert plan.settings["max.compaction.lag.ms"] == str(DAY_MILLISECONDS)
