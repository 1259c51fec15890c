"""Write an input that has several parts as one text, so that a change of it stays one. Pure.

Lines of `name: value`, an empty line, and the body. A NUL in a value stands for a line feed.
"""

from collections.abc import Iterable


def joined(fields: Iterable[tuple[str, bytes]], body: bytes) -> bytes:
    """Return fields and body as one input."""
    lines = [name.encode() + b": " + value.replace(b"\n", b"\0") for name, value in fields]
    return b"\n".join(lines) + b"\n\n" + body


def parted(data: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    """Return the fields and the body of any input whatever."""
    head, _, body = data.partition(b"\n\n")
    fields = []
    for line in head.split(b"\n"):
        name, _, value = line.partition(b": ")
        fields.append((name.decode("latin-1"), value.replace(b"\0", b"\n")))
    return fields, body
