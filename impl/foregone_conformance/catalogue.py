"""All claims, in the order of a report."""

from collections.abc import Sequence
from typing import Final

from foregone_conformance import (
    documented,
    documented_ends,
    documented_waiting,
    invariants,
    invariants_requests,
    invariants_workers,
    linearizable,
    museum,
    semantics_callbacks,
    semantics_calls,
    semantics_executor,
    semantics_futures,
    semantics_map,
    semantics_process,
    semantics_waiting,
)
from foregone_conformance.claims import Claim
from foregone_conformance.kinds import BadFactory, Kind

CLAIMS: Final[tuple[Claim, ...]] = (
    *documented.claim.claims,
    *documented_ends.claim.claims,
    *documented_waiting.claim.claims,
    *semantics_futures.claim.claims,
    *semantics_calls.claim.claims,
    *semantics_callbacks.claim.claims,
    *semantics_waiting.claim.claims,
    *semantics_map.claim.claims,
    *semantics_executor.claim.claims,
    *semantics_process.claim.claims,
    *invariants.claim.claims,
    *invariants_workers.claim.claims,
    *invariants_requests.claim.claims,
    *linearizable.claim.claims,
    *museum.CLAIMS,
)


def by_id(name: str) -> Claim:
    """Return the claim with this id; raise BadFactory if there is none."""
    for each in CLAIMS:
        if each.id == name:
            return each
    raise BadFactory(f"there is no claim {name!r}: --list names them")


def chosen(kind: Kind, only: Sequence[str] = (), groups: Sequence[str] = ()) -> list[Claim]:
    """Return the claims about executors of a kind, or those of them that are asked for.

    ``only``    ids, none means all
    ``groups``  what Group calls them, none means all
    Raises BadFactory for an id that there is not, or that is not of this kind.
    """
    wanted = {name: by_id(name) for name in only}
    for name, claim in wanted.items():
        if kind not in claim.kinds:
            raise BadFactory(f"{name!r} is not asked of a {kind.value} executor")
    return [
        each
        for each in CLAIMS
        if kind in each.kinds
        and (not only or each.id in wanted)
        and (not groups or each.group.value in groups)
    ]
