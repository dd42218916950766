"""What TLC prints of a value, read: booleans, numbers, strings, sequences, and sets of them.

There are no records and no functions here: the specification has none (``Value``).
"""

import json
import re
from typing import Final

from foregone_spec.model import Value

_TOKEN: Final = re.compile(r'\s*(<<|>>|,|\{|\}|TRUE\b|FALSE\b|-?\d+|"(?:[^"\\]|\\.)*")')
_ENDS: Final = {"<<": ">>", "{": "}"}


class NoValue(ValueError):
    """The text is not a value of these kinds."""


def value(text: str) -> Value:
    """Return the value that ``text`` is, a set as a sequence in the order of printing."""
    found, end = _value(text, 0)
    if text[end:].strip():
        raise NoValue(f"{text!r}: there is more behind {text[:end]!r}")
    return found


def printed(output: str, mark: str) -> list[tuple[Value, ...]]:
    """Return the sequences in ``output`` whose first element is ``mark``, without it."""
    found: list[tuple[Value, ...]] = []
    for place in re.finditer(f'<<\\s*"{re.escape(mark)}"', output):
        whole, _ = _value(output, place.start())
        if isinstance(whole, tuple):
            found.append(whole[1:])
    return found


def _value(text: str, at: int) -> tuple[Value, int]:
    token, at = _token(text, at)
    if token in _ENDS:
        return _elements(text, at, _ENDS[token])
    if token in ("TRUE", "FALSE"):
        return token == "TRUE", at
    if token.startswith('"'):
        return str(json.loads(token)), at
    if token.lstrip("-").isdecimal():
        return int(token), at
    raise NoValue(f"{token!r} is no value")


def _elements(text: str, at: int, end: str) -> tuple[Value, int]:
    found: list[Value] = []
    token, after = _token(text, at)
    while token != end:
        one, at = _value(text, at)
        found.append(one)
        token, after = _token(text, at)
        if token == ",":
            at = after
        elif token != end:
            raise NoValue(f"{token!r} is neither a comma nor {end!r}")
    return tuple(found), after


def _token(text: str, at: int) -> tuple[str, int]:
    found = _TOKEN.match(text, at)
    if found is None:
        raise NoValue(f"{text[at : at + 40]!r} is no value")
    return found[1], found.end()
