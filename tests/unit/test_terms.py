"""What is registered against what is said: the same, or within, or a breach."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.provider import Breach
from contracts.terms import check_same, check_within, members_of

names = st.sets(st.text(max_size=5), max_size=5)


def named(members: set[str]) -> dict[str, str]:
    return {f"part:{one}": "" for one in members}


@pytest.mark.parametrize(
    ("registered", "said"),
    [({}, {}), ({"code": ""}, {"code": ""}), ({"code": "a"}, {}), ({}, {"code": "a"})],
)
def test_nothing_is_never_the_same_as_nothing(
    registered: dict[str, str], said: dict[str, str]
) -> None:
    with pytest.raises(Breach, match="code: not what was registered"):
        check_same("code", registered, said)


@given(st.text(min_size=1), st.text())
def test_only_the_same_text_passes(registered: str, said: str) -> None:
    check_same("code", {"code": registered}, {"code": registered})
    if said != registered:
        with pytest.raises(Breach):
            check_same("code", {"code": registered}, {"code": said})


@given(names, names)
def test_what_is_said_lies_within_what_was_registered_and_the_rest_is_returned(
    registered: set[str], said: set[str]
) -> None:
    if said <= registered:
        assert check_within("part", named(registered), named(said)) == registered - said
    else:
        with pytest.raises(Breach, match="part: one that was not registered"):
            check_within("part", named(registered), named(said))


def test_member_may_hold_the_sign_that_separates_it() -> None:
    assert members_of("part", ["part:a:b", "parts:c", "d", "part:"]) == {"a:b", ""}
