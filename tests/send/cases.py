"""Put a request of SEND before the provider, with what of it is not as it should be."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from contracts.needs import AddressFound, FileFacts, FileNeed, PdfFacts, PdfSignature
from contracts.providers.send import needs, translate
from contracts.raw import Source
from contracts.send.rules import SendRules
from contracts.update import Expectation, Statement
from tests.send.requests import COMUNE, RULES, element, fields, file_facts, found, request

Facts = Callable[[FileNeed], FileFacts]


def with_body(**changes: Any) -> SendRules:  # noqa: ANN401 - members of BodyRules
    """Return the rules with another body."""
    return replace(RULES, bodies={"comune": replace(COMUNE, **changes)})


@dataclass
class Given:
    """A request, and what of it is not as it should be."""

    members: dict[str, Any] = field(default_factory=request)
    rules: SendRules = RULES
    files: dict[int, Facts] = field(default_factory=dict)
    addresses: dict[int, AddressFound] = field(default_factory=dict)

    def reasons(self) -> list[tuple[str, str | None]]:
        """Return code and place of every finding, none where the request is accepted."""
        return [(one.code, one.where) for one in self.statement().reasons]

    def statement(self) -> Statement:
        """Return what the request comes to."""
        asked = needs(fields(self.members, rules=self.rules))
        wrong: dict[str, Any] = {
            f"file_{number}": facts(asked[f"file:{number}"]) for number, facts in self.files.items()
        }
        wrong |= {f"address_{number}": one for number, one in self.addresses.items()}
        (announced,) = translate(fields(self.members, found(asked, **wrong), rules=self.rules))
        assert isinstance(announced, Expectation)
        assert announced.then is not None
        return announced.then


def facts(**changes: Any) -> Facts:  # noqa: ANN401 - members of FileFacts
    """Return the facts of a file that is as it should be, but for what `changes` say."""
    return lambda need: file_facts(need, **changes)


def pdf(fault: Any = "", *outcomes: Any, pages: int = 1) -> PdfFacts:  # noqa: ANN401 - Literals
    """Return a PDF of this fault, and of signatures with these outcomes."""
    return PdfFacts(fault, pages, tuple(PdfSignature(one) for one in outcomes))


def told(category: str, **changes: Any) -> Statement:  # noqa: ANN401 - a value of JSON
    """Return what an element says that the delivery system tells."""
    (statement,) = translate(fields(element(category, **changes), source=Source.CALLBACK))
    assert isinstance(statement, Statement)
    return statement
