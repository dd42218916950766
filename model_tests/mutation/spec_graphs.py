"""The graphs of TLC at small bounds, kept as digests, for a mutant of the specification.

    python -m model_tests.mutation.spec_graphs --write

lets TLC write each graph once.  A mutant's graph is compared with what was kept, so that TLC
need not run for each; that today's specification and today's ``tla/`` agree is the row of
``equality``'s, and that what is kept is of today's ``tla/`` is a test's.
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast, final

from foregone_spec.explore import TooManyStates, explore
from foregone_spec.future_model import FutureModel
from foregone_spec.lifecycle import Request
from foregone_spec.map_model import MapModel
from foregone_spec.process_death import Policy
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.thread_pool import ThreadPoolModel
from foregone_spec.waiting import Ending
from foregone_spec.waiting_model import WaitingModel
from model_tests.chain.equality import Labelled, labelled, of_tlc
from model_tests.chain.java import TLA
from model_tests.chain.pairs import AnyModel

KEPT: Final = Path(__file__).with_name("spec_graphs.json")
#: What the modules are made of, besides themselves.
EXTENDED: Final = ("ProcessPoolState",)

_SHUTDOWN, _CANCELLING = Request.SHUTDOWN, Request.SHUTDOWN_CANCEL_FUTURES
_BOTH: Final = (_SHUTDOWN, _CANCELLING)
_REPLACE: Final = Policy.REPLACE
_OK, _FAILED, _GONE = Ending

#: Small, quickest first, and between them all that may happen.
BOUNDS: Final[Mapping[str, AnyModel]] = {
    "Future, owned, 2 cancel": FutureModel(True, 2, 0, 1, 1, 0),
    "Future, bare, 2 cancel": FutureModel(False, 2, 0, 1, 1, 0),
    "Future, owned, 2 callbacks": FutureModel(True, 1, 1, 0, 0, 2),
    "Future, owned, 2 results": FutureModel(True, 1, 1, 2, 1, 0),
    "Future, owned, 2 waits": FutureModel(True, 1, 1, 0, 2, 1),
    "Future, bare, 1 of each": FutureModel(False, 1, 1, 1, 1, 1),
    "Waiting, all of 2": WaitingModel(2, ("ALL_COMPLETED",), ((1, 2),), (_OK,)),
    "Waiting, as completed, 1 twice": WaitingModel(2, ("AS_COMPLETED",), ((1, 2, 1),), (_OK,)),
    "Waiting, first exception": WaitingModel(
        2, ("FIRST_EXCEPTION",), ((1, 2),), (_OK, _FAILED)
    ),
    "Waiting, 2 callers of 1": WaitingModel(
        1, ("FIRST_COMPLETED", "AS_COMPLETED"), ((1,), (1, 1))
    ),
    "Waiting, 3 callers of 1": WaitingModel(
        1, ("FIRST_COMPLETED", "ALL_COMPLETED", "ALL_COMPLETED"), ((1,), (1,), (1,)), (_GONE,)
    ),
    "ThreadPool, 1 thread, all may fail": ThreadPoolModel(2, 1, (_CANCELLING,), True, True, True),
    "ThreadPool, 2 threads": ThreadPoolModel(2, 2, (_SHUTDOWN,)),
    "ThreadPool, 2 shut down": ThreadPoolModel(2, 1, _BOTH),
    "ThreadPool, 3 calls": ThreadPoolModel(3, 1, (_CANCELLING,)),
    "ThreadPool, collected, 2 shut down": ThreadPoolModel(1, 1, _BOTH, False, False, True),
    "ThreadPool, 2 threads may fail": ThreadPoolModel(2, 2, (), True, True, False),
    "ThreadPool, 2 threads may not start": ThreadPoolModel(2, 2, (_SHUTDOWN,), False, True, True),
    "ProcessPool, 1 process": ProcessPoolModel(2, 1, 1),
    "ProcessPool, 2 processes": ProcessPoolModel(2, 2, 2, (), 0, overtake=1),
    "ProcessPool, it retires": ProcessPoolModel(
        2, 1, 1, (), 2, _REPLACE, early_limit=2, max_tasks=1
    ),
    "ProcessPool, a death breaks": ProcessPoolModel(2, 1, 2, (_CANCELLING,), 1),
    "ProcessPool, one of 2 dies": ProcessPoolModel(1, 2, 2, (), 1, eager=True),
    "ProcessPool, a death replaces": ProcessPoolModel(2, 1, 1, (_CANCELLING,), 1, _REPLACE),
    "ProcessPool, eager": ProcessPoolModel(
        1, 2, 2, (_SHUTDOWN,), 1, _REPLACE, start_fails=True, eager=True
    ),
    "ProcessPool, all may fail": ProcessPoolModel(
        1, 1, 1, _BOTH, 1, _REPLACE, 1, 1, 2, False, True, True, True, True
    ),
    "ProcessPool, 3 calls": ProcessPoolModel(3, 2, 2, (), 0, overtake=1),
    "Map, the input raises": MapModel(3, 2, fails_at=2),
    "Map, a buffer for all": MapModel(2, 3),
    "Map, 3 items": MapModel(3, 2),
}  # fmt: skip


@final
@dataclass(frozen=True, slots=True)
class Kept:
    """One graph of TLC's: how large, and its digest."""

    states: int
    edges: int
    digest: str


def digest(graph: Labelled) -> Kept:
    """Return what is kept of a graph: it is the same for equal graphs only."""
    lines = [f"initial {each}" for each in graph.initial]
    lines += [f"state {each}" for each in graph.nodes]
    lines += [f"step {each}" for each in graph.edges]
    made = hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
    return Kept(len(graph.nodes), len(graph.edges), made)


def kept() -> dict[str, Kept]:
    """Read what TLC has found."""
    read = cast("dict[str, dict[str, dict[str, str]]]", json.loads(KEPT.read_text()))["graphs"]
    return {
        name: Kept(int(each["states"]), int(each["edges"]), each["digest"])
        for name, each in read.items()
    }


def of_today() -> str:
    """Return the digest of the modules that the graphs are of."""
    names = sorted({*(model.name for model in BOUNDS.values()), *EXTENDED})
    texts = [(TLA / f"{name}.tla").read_text() for name in names]
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def complaints(name: str, most: Kept) -> Iterator[str]:
    """Yield what is wrong with the specification's own graph, at one of the bounds."""
    model = BOUNDS[name]
    try:
        graph = explore(model, most.states)  # type: ignore[misc]  # a union of models
    except TooManyStates:
        yield f"more than the {most.states} states of TLC's"
        return
    for each in graph.violations:
        yield f"{each.invariant} is violated"
    if digest(labelled(graph)) != most:
        yield f"not the graph of TLC's: {len(graph.edges)} states {graph.edge_count} edges"


def write() -> None:
    """Let TLC write all graphs, and keep them; those of the same modules are there already."""
    told = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    before = kept() if told.get("tla") == of_today() else {}
    found: dict[str, dict[str, str | int]] = {}
    for number, (name, model) in enumerate(BOUNDS.items()):
        graph = before.get(name) or digest(of_tlc(f"{model.name}Small{number}", model))
        found[name] = {"states": graph.states, "edges": graph.edges, "digest": graph.digest}
        print(name, graph, flush=True)
        KEPT.write_text(json.dumps({"tla": of_today(), "graphs": found}, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        raise SystemExit(__doc__)
    write()
