"""Who is still there: objects that are to be told of something, and not kept alive for it.

A ``weakref.WeakSet`` with less to it: who is told right after a fork runs in a process
where each page that is touched is copied first, and a WeakSet's iteration touches many.
Adding, leaving and listing are single steps of the interpreter's own sets.
"""

from typing import Generic, TypeVar, final
from weakref import ref

T = TypeVar("T")


@final
class Registry(Generic[T]):
    """Objects, as long as somebody else keeps them."""

    __slots__ = ("_refs",)

    _refs: "set[ref[T]]"

    def __init__(self) -> None:
        self._refs = set()

    def __bool__(self) -> bool:
        return bool(self._refs)

    def add(self, each: T) -> None:
        """Take ``each`` in; twice is once."""
        self._refs.add(ref(each, self._refs.discard))

    def discard(self, each: T) -> None:
        """Leave ``each`` out, if it is there."""
        self._refs.discard(ref(each))

    def clear(self) -> None:
        """Leave all out."""
        self._refs = set()

    def all(self) -> list[T]:
        """Return those who are there now."""
        there = [each() for each in self._refs.copy()]
        return [each for each in there if each is not None]
