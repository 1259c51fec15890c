"""Say what an element of a notification's timeline does to its status: a table and its reader.

https://github.com/pagopa/pn-timeline-service (StateMap, at 2ea0241). The status of a notification
is not told, it follows from the elements; that is why each is judged where the notification stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contracts.errors import Broken


class Native(StrEnum):
    """The statuses of a notification."""

    IN_VALIDATION = "IN_VALIDATION"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    DELIVERING = "DELIVERING"
    DELIVERED = "DELIVERED"
    VIEWED = "VIEWED"
    EFFECTIVE_DATE = "EFFECTIVE_DATE"
    PAID = "PAID"
    UNREACHABLE = "UNREACHABLE"
    CANCELLED = "CANCELLED"
    RETURNED_TO_SENDER = "RETURNED_TO_SENDER"


# StateMap as above: one row for each category of element, in the order of what happens; one column
# for each status a notification may stand in. `.` stays, `-` is unknown there, else the status it
# leads to; where one recipient and many differ, `one/many`. REFUSED has no column: nothing follows.
_TABLE: Final = """
                                                 IN_VALIDATION ACCEPTED    DELIVERING         DELIVERED      EFFECTIVE_DATE UNREACHABLE    VIEWED               PAID      RETURNED_TO_SENDER CANCELLED
SENDER_ACK_CREATION_REQUEST                      .             -           -                  -              -              -              -                    -         -                  -
PUBLIC_REGISTRY_VALIDATION_CALL                  .             -           -                  -              -              -              -                    -         -                  -
PUBLIC_REGISTRY_VALIDATION_RESPONSE              .             -           -                  -              -              -              -                    -         -                  -
VALIDATE_F24_REQUEST                             .             -           -                  -              -              -              -                    -         -                  -
VALIDATED_F24                                    .             -           -                  -              -              -              -                    -         -                  -
VALIDATE_NORMALIZE_ADDRESSES_REQUEST             .             -           -                  -              -              -              -                    -         -                  -
NORMALIZED_ADDRESS                               .             -           -                  -              -              -              -                    -         -                  -
REQUEST_REFUSED                                  REFUSED       -           -                  -              -              -              -                    -         -                  -
REQUEST_ACCEPTED                                 ACCEPTED      -           -                  -              -              -              -                    -         -                  -
GENERATE_F24_REQUEST                             -             .           -                  -              -              -              -                    -         -                  -
GENERATED_F24                                    -             .           -                  -              -              -              .                    -         -                  .
AAR_CREATION_REQUEST                             -             .           .                  -              -/.            -              .                    .         -                  .
AAR_GENERATION                                   -             .           .                  -              -/.            -              .                    .         -                  .
GET_ADDRESS                                      -             .           .                  -              -/.            -              .                    .         -                  .
PUBLIC_REGISTRY_CALL                             -             .           .                  -              -/.            -              .                    .         -                  .
PUBLIC_REGISTRY_RESPONSE                         -             .           .                  -              -/.            -              .                    .         -                  .
SEND_COURTESY_MESSAGE                            -             .           .                  .              -/.            -              .                    .         -                  .
PROBABLE_SCHEDULING_ANALOG_DATE                  -             .           .                  .              -              -              .                    -         -                  .
SCHEDULE_DIGITAL_WORKFLOW                        -             -           .                  -              -/.            -              .                    .         -                  .
PREPARE_DIGITAL_DOMICILE                         -             .           .                  -              -/.            -              .                    .         -                  .
SEND_DIGITAL_DOMICILE                            -             DELIVERING  .                  -              -/.            -              .                    .         -                  .
SEND_DIGITAL_PROGRESS                            -             -           .                  -              -/.            -              .                    .         -                  .
SEND_DIGITAL_FEEDBACK                            -             -           .                  -              -/.            -              .                    .         -                  .
DIGITAL_DELIVERY_CREATION_REQUEST                -             -           DELIVERED          -              -/.            -              .                    .         -                  .
DIGITAL_SUCCESS_WORKFLOW                         -             -           -/.                .              .              -              .                    .         -                  .
DIGITAL_FAILURE_WORKFLOW                         -             -           -/.                .              .              -              .                    .         -                  .
PREPARE_SIMPLE_REGISTERED_LETTER                 -             -           .                  .              -/.            -              .                    .         -                  .
SEND_SIMPLE_REGISTERED_LETTER                    -             -           .                  .              -/.            -              .                    .         -                  .
SEND_SIMPLE_REGISTERED_LETTER_PROGRESS           -             -           .                  .              -/.            -              .                    .         -                  .
SCHEDULE_ANALOG_WORKFLOW                         -             .           .                  -              -/.            -              .                    .         .                  .
PREPARE_ANALOG_DOMICILE                          -             .           .                  -              -/.            -              .                    .         -                  .
PREPARE_ANALOG_DOMICILE_FAILURE                  -             -           .                  -/.            -/.            -              .                    .         .                  .
SEND_ANALOG_DOMICILE                             -             DELIVERING  .                  -              -/.            -              .                    .         .                  .
SEND_ANALOG_PROGRESS                             -             -           .                  .              -/.            -              .                    .         .                  .
SEND_ANALOG_FEEDBACK                             -             -           .                  -              -/.            -              .                    .         .                  .
SEND_ANALOG_TIMEOUT_CREATION_REQUEST             -             -           .                  -              -/.            -              .                    .         -                  .
SEND_ANALOG_TIMEOUT                              -             -           .                  -              -/.            -              .                    .         -                  .
ANALOG_FAILURE_WORKFLOW_TIMEOUT                  -             -           .                  -              -/.            -              .                    .         -                  .
ANALOG_SUCCESS_WORKFLOW                          -             -           DELIVERED          -              .              -              .                    .         -                  -
ANALOG_FAILURE_WORKFLOW                          -             .           .                  -              -/.            -              .                    .         .                  .
ANALOG_WORKFLOW_RECIPIENT_DECEASED               -             -           RETURNED_TO_SENDER -              -/.            -              RETURNED_TO_SENDER/. .         -                  .
COMPLETELY_UNREACHABLE_CREATION_REQUEST          -             .           .                  -              -/.            -              .                    .         .                  .
COMPLETELY_UNREACHABLE                           -             UNREACHABLE UNREACHABLE        -              .              -              .                    .         .                  .
SCHEDULE_REFINEMENT                              -             -/.         .                  .              -/.            .              .                    .         -                  .
REFINEMENT                                       -             -           -/EFFECTIVE_DATE   EFFECTIVE_DATE -/.            EFFECTIVE_DATE .                    .         -                  .
NOTIFICATION_VIEWED_CREATION_REQUEST             -             .           .                  .              .              .              .                    .         .                  .
NOTIFICATION_VIEWED                              -             VIEWED      VIEWED             VIEWED         VIEWED         VIEWED         -/.                  .         .                  -/.
NOTIFICATION_RADD_RETRIEVED                      -             .           .                  .              .              .              .                    .         .                  -
PAYMENT                                          -             .           .                  .              -/.            .              .                    -         .                  .
NOT_HANDLED                                      -             CANCELLED   -                  CANCELLED      -              -              .                    .         .                  .
NOTIFICATION_CANCELLATION_REQUEST                -             .           .                  .              .              .              .                    .         .                  .
NOTIFICATION_CANCELLED_DOCUMENT_CREATION_REQUEST -             .           .                  .              .              .              .                    .         .                  .
NOTIFICATION_CANCELLED                           -             CANCELLED   CANCELLED          CANCELLED      CANCELLED      CANCELLED      CANCELLED            CANCELLED CANCELLED          .
"""  # noqa: E501 - a table is read by its columns


@dataclass(frozen=True, slots=True)
class Step:
    """What one category does in one status: the status after it; None: unknown there."""

    one: str | None
    many: str | None


Steps = Mapping[str, Mapping[str, Step]]


def _parsed(text: str) -> Steps:
    """Return a step for each category and each status it names.

    Raises:
        Broken: a row is short or long, a category has two, or a cell is no status.
    """
    columns, *rows = [line.split() for line in text.splitlines() if line.strip()]
    if len({name for name, *_ in rows}) != len(rows):
        raise Broken("the timeline's table: one category has two rows")
    steps = {}
    for name, *cells in rows:
        if len(cells) != len(columns):
            raise Broken(f"the timeline's table: row {name} has {len(cells)} cells")
        steps[name] = {
            status: Step(*(_after(status, part) for part in _one_and_many(cell)))
            for status, cell in zip(columns, cells, strict=True)
        }
    return steps


def _one_and_many(cell: str) -> tuple[str, str]:
    one, _, many = cell.partition("/")
    return one, many or one


def _after(status: str, cell: str) -> str | None:
    if cell == "-":
        return None
    return status if cell == "." else Native(cell).value


STEPS: Final = _parsed(_TABLE)
CATEGORIES: Final = tuple(STEPS)
# Of TimelineElementCategoryV28, and in no row: an element that tells of the timeline itself.
STATUSLESS: Final = "NOTIFICATION_TIMELINE_REWORKED"


def status_after(status: str | None, category: str, *, many: bool) -> str | None:
    """Return the status that an element leads to; None where it is unknown in `status`.

    A notification without a status stands in IN_VALIDATION.
    """
    if category == STATUSLESS:
        return status
    step = STEPS.get(category, {}).get(status or Native.IN_VALIDATION)
    if step is None:
        return None
    return step.many if many else step.one


def nominal_status(category: str) -> str:
    """Return the status that an element's statement has before anybody knows where it comes.

    An unknown category stands for itself: no lifecycle knows it, so it becomes an anomaly.
    """
    if category == STATUSLESS:
        return Native.IN_VALIDATION
    steps = STEPS.get(category)
    if steps is None:
        return category
    reached = [(one, step.one or step.many) for one, step in steps.items()]
    moves = [after for before, after in reached if after is not None and after != before]
    stays = [after for _, after in reached if after is not None]
    return [*moves, *stays][0]


def rank(category: str) -> int:
    """Return which of two elements of one instant comes first: the place in the table."""
    return CATEGORIES.index(category) if category in STEPS else len(CATEGORIES)
