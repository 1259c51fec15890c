"""The YAML reader: plain values with their lines, and nothing in it that could surprise."""

import pytest

from contracts.errors import Broken
from runtime.yaml_lines import read_yaml

VARIABLES = {"COUNT": "12", "NAME": "north", "LIST": "[1, 2]", "MAPPING": "a: 1", "EMPTY": ""}
# Ten levels of ten: 10^10 values if a reader followed the aliases.
BILLION_LAUGHS = "l0: &l0 [lol]\n" + "".join(
    f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 11)
)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("8080", 8080),
        ("-3", -3),
        ("0.5", 0.5),
        ("1e3", "1e3"),  # YAML 1.1 asks for a point; whoever wants a number reads it from the text
        ("true", True),
        ("off", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("north", "north"),
        ("=", "="),
        ("<<", "<<"),
        ("'8080'", "8080"),
        ('"true"', "true"),
        ('""', ""),
        ("2026-11-01", "2026-11-01"),
        ("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"),
        ("2026-13-45", "2026-13-45"),
        ("|\n  one\n  two\n", "one\ntwo\n"),
        ("[1, two]", [1, "two"]),
    ],
)
def test_value_written_plainly_is_read_as_what_it_looks_like(written: str, read: object) -> None:
    document = read_yaml(f"key: {written}", file="f", variables={})

    assert document.value == {"key": read}
    assert type(document.value["key"]) is type(read)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("${COUNT}", 12),
        ("-${COUNT}", -12),
        ("'${COUNT}'", "12"),
        ('"${COUNT}"', "12"),
        ("|-\n  ${COUNT}", "12"),
        ("${NAME}-${COUNT}", "north-12"),
        ("${EMPTY}", None),
        ('"${EMPTY}"', ""),
        ("${LIST}", "[1, 2]"),
        ("${MAPPING}", "a: 1"),
        ("$NAME", "$NAME"),
    ],
)
def test_variable_is_replaced_as_text_or_number_and_never_as_structure(
    written: str, read: object
) -> None:
    document = read_yaml(f"key: {written}", file="f", variables=VARIABLES)

    assert document.value == {"key": read}
    assert type(document.value["key"]) is type(read)


def test_document_without_content_is_an_empty_mapping() -> None:
    document = read_yaml("# nothing\n", file="f", variables={})

    assert document.value == {}


def test_line_of_a_path_is_that_of_its_key_or_of_the_nearest_parent() -> None:
    text = "topics:\n  partitions: 4\nendpoints:\n- name: a\n  limits:\n    body_bytes_max: 1\n"
    document = read_yaml(text, file="f", variables={})

    paths: list[tuple[str | int, ...]] = [
        ("topics", "partitions"),
        ("endpoints",),
        ("endpoints", 0),
        ("endpoints", 0, "limits", "body_bytes_max"),
        ("endpoints", 0, "limits", "absent"),
        ("absent",),
    ]
    assert [document.line_of(path) for path in paths] == [2, 3, 4, 6, 5, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "f:4: b.c: given twice; keep one"),
        ("a:\n- b: ${ABSENT}\n", "f:2: a.0.b: ${ABSENT} is not set; export ABSENT"),
        ("a: &x [1]\nb: *x\n", "f:2: *x: no alias is taken; write the value out"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "f:3: *x: no alias is taken; write the value out"),
        ("a:\n  b: !!str 1\n", "f:2: no tag is taken; put what must be text in quotes"),
        ("a: !!python/name:os.system x", "f:1: no tag is taken; put what must be text in quotes"),
        ("a: !own {b: 1}", "f:1: no tag is taken; put what must be text in quotes"),
        ("a: 1\n? [b, c]\n: 2\n", "f:2: (whole file): a key must be text"),
        ("a: 0b_\n", "f:1: a: not a number; put it in quotes if it is text"),
        ("a: 1\nb: [1\n", "f:3: not YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\n---\nb: 2\n", "f:2: not YAML: but found another document"),
        ("a: 1\nb: \x00\n", "f:2: not YAML: a character that no text has"),
        ("[" * 1_000 + "]" * 1_000, "f: nested too deeply to be a configuration"),
    ],
)
def test_document_that_is_ambiguous_or_broken_is_refused_by_file_line_and_key(
    text: str, message: str
) -> None:
    with pytest.raises(Broken) as refusal:
        read_yaml(text, file="f", variables={})

    assert str(refusal.value) == message


@pytest.mark.timeout(5)
def test_billion_laughs_is_refused_before_anything_is_built() -> None:
    with pytest.raises(Broken, match=r"f:2: \*l0: no alias is taken"):
        read_yaml(BILLION_LAUGHS, file="f", variables={})


def test_refusal_never_shows_a_value() -> None:
    with pytest.raises(Broken) as refusal:
        read_yaml("a: hunter2\na: hunter2\n", file="f", variables={})

    assert "hunter2" not in str(refusal.value)
