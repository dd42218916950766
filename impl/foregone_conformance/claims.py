"""What a claim is, and what can come out when it is tried."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias, final

from foregone_conformance.judged import Judged
from foregone_conformance.kinds import Kind

DOCUMENTATION: Final = "https://docs.python.org/3/library/concurrent.futures.html"
_CPYTHON: Final = "https://github.com/python/cpython/blob/v3.13.0/Lib/concurrent/futures"

#: What tries a claim: it returns, or raises Broken or NotApplicable, or does not come back.
Check: TypeAlias = Callable[[Judged], None]


class Group(Enum):
    """Who says so."""

    DOCUMENTED = "documentation"  # of concurrent.futures
    SEMANTICS = "semantics"  # the answer in each corner: CPython's, or why not
    INVARIANT = "invariant"  # of foregone_spec, under programs that are drawn
    LINEARIZABLE = "linearizability"  # against the table of foregone_spec.future
    MUSEUM = "museum"  # a bug of the field


class Verdict(Enum):
    """What came out."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_APPLICABLE = "not applicable"


@final
@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that an executor promises."""

    id: str
    group: Group
    title: str  # the claim, as a sentence without its full stop
    source: str  # where it is said: an address, or an invariant's name
    means: str  # what it means for a program if it is broken
    check: Check
    kinds: tuple[Kind, ...]
    limit: float = 1.0  # how much of the usual limit it may take
    standard: str = ""  # where the standard library does not keep it: what it does, and why not so

    @property
    def meaning(self) -> str:
        """What it means for a program if it is broken, and who breaks it, too."""
        return f"{self.means}; CPython {self.standard}" if self.standard else self.means


@final
class Registry:
    """The claims of one module, in its order, and the decorator that adds to them."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self.claims: list[Claim] = []

    def __call__(
        self,
        name: str,
        title: str,
        source: str,
        means: str,
        *kinds: Kind,
        standard: str = "",
    ) -> Callable[[Check], Check]:
        """Register the function below as the check of a claim.

        ``kinds``     of which executors it is asked; none means all
        ``standard``  what CPython does where it does not keep it, and why that is no answer
        """

        def register(check: Check) -> Check:
            of = kinds or tuple(Kind)
            self.claims.append(
                Claim(name, self._group, title, source, means, check, of, standard=standard)
            )
            return check

        return register


def documented(anchor: str) -> str:
    """Return the address of a place in the documentation of ``concurrent.futures``."""
    return f"{DOCUMENTATION}#concurrent.futures.{anchor}"


def cpython(module: str, line: int) -> str:
    """Return the address of a line of CPython 3.13.0's ``concurrent.futures``."""
    return f"{_CPYTHON}/{module}.py#L{line}"
