"""Where the choices of a run come from: a seed, or a list that is replayed and shrunk.

A choice is a number below some bound; 0 is what disturbs least.  A list that is at its
end goes on with zeros.
"""

import random
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

NEVER: Final = 1 << 60
#: So many lists are tried for a shorter one.
ATTEMPTS: Final = 400


class Choices:
    """The choices of one run, and what was chosen."""

    __slots__ = ("_draw", "_given", "made")

    def __init__(self, seed: int = 0, given: Sequence[int] | None = None) -> None:
        self.made: list[int] = []
        self._given = given
        self._draw = random.Random(seed).random

    @property
    def over(self) -> bool:
        """Whether a list that is replayed is at its end."""
        return self._given is not None and len(self.made) >= len(self._given)

    def below(self, bound: int) -> int:
        """Choose a number below ``bound``."""
        if self._given is None:
            value = int(self._draw() * bound)
        else:
            at = len(self.made)
            value = self._given[at] % bound if at < len(self._given) else 0
        self.made.append(value)
        return value

    def pick(self, among: Sequence[T]) -> T:
        """Choose one of ``among``; the first is the mildest."""
        return among[self.below(len(among))]

    def rarely(self, times: int) -> bool:
        """Say True once in so many times."""
        return self.below(times) == times - 1

    def gap(self, longest: int) -> int:
        """Choose a distance, from 1 to ``longest``; for ever at the end of a list."""
        return NEVER if self.over else longest - self.below(longest)


def shrunk(
    made: Sequence[int], fails: Callable[[Sequence[int]], bool], attempts: int = ATTEMPTS
) -> list[int]:
    """Return a shorter or milder list that fails as well: by leaving out, and by zeros."""
    best = list(made)
    left = attempts

    def tries(candidate: list[int]) -> bool:
        nonlocal best, left
        left -= 1
        if candidate == best or not fails(candidate):
            return False
        best = candidate
        return True

    size = max(1, len(best) // 2)
    while size and left > 0:
        at = 0
        while at < len(best) and left > 0:
            if not tries(best[:at] + best[at + size :]):
                zeros = [0] * len(best[at : at + size])
                tries(best[:at] + zeros + best[at + size :])
                at += size
        size //= 2
    while best and not best[-1]:  # the end of a list is all zeros anyway
        best.pop()
    return best if fails(best) else list(made)
