"""The state graph of TLC equals that of the Python explorer, labels and all.

TLC writes its reachable graph as dot text; it is read back as a graph whose nodes
are states, variable by variable, and whose edges bear the name of the action.
The explorer builds its own graph from ``foregone_spec``.  Initial states, nodes
and labelled edges are compared as sets, both ways.

    python -m model_tests.chain.equality                      the two graphs, bound by bound
    python -m model_tests.chain.equality --larger [--write]   at larger bounds, and further

Where the two graphs are too large for every run, what came of it is kept, in
``model_tests/explored.json``; and at bounds that are larger still the explorer goes alone,
and judges the invariants.
"""

import argparse
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Final, TypeAlias, assert_never, final

from foregone_spec.explore import Graph, explore, label, node
from foregone_spec.future_model import FutureModel
from foregone_spec.map_model import MapModel
from foregone_spec.model import A, Model, S, Value, tla_text
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.thread_pool import ThreadPoolModel
from foregone_spec.waiting_model import WaitingModel
from model_tests.chain.command import BUILD, ROOT, stamp
from model_tests.chain.edge_kinds import unlisted
from model_tests.chain.pairs import LARGER, PAIRS, WIDER, AnyModel, write_bounds
from model_tests.chain.tlc import HOLDS, run, variables
from model_tests.chain.verdict import Row, report

Node: TypeAlias = tuple[tuple[str, str], ...]
Edge: TypeAlias = tuple[Node, str, Node]

MOST_SHOWN: Final = 3
AT_ONCE: Final = 2  # pairs
EXPLORED: Final = ROOT / "model_tests" / "explored.json"


@final
@dataclass(frozen=True, slots=True)
class Labelled:
    """A reachable graph as both sides have it."""

    initial: frozenset[Node]
    nodes: frozenset[Node]
    edges: frozenset[Edge]


# -------------------------------------------------------------- TLC's side

_TOKEN = re.compile(r'\s*(<<|>>|,|"[^"]*"|-?\d+|TRUE|FALSE)')
_NODE = re.compile(r'^(-?\d+) \[label="(.*)"(,style = filled)?\];?$')
_EDGE = re.compile(r'^(-?\d+) -> (-?\d+) \[label="(\w+)".*\];?$')
_DASHED = re.compile(r'^-?\d+ -> -?\d+ \[style="dashed"\];?$')  # stuttering, not a step


def parse_value(text: str) -> Value:
    """Read a value as TLC prints it: truth values, integers, strings, sequences."""
    value, rest = _value(text)
    if rest.strip():
        raise ValueError(f"what is {rest!r}, after {text!r}?")
    return value


def _value(text: str) -> tuple[Value, str]:
    token, rest = _token(text)
    if token in ("TRUE", "FALSE"):
        return token == "TRUE", rest
    if token.startswith('"'):
        return token[1:-1], rest
    if token != "<<":
        return int(token), rest
    values: list[Value] = []
    following, after = _token(rest)
    while following != ">>":
        value, rest = _value(after if following == "," else rest)
        values.append(value)
        following, after = _token(rest)
    return tuple(values), after


def _token(text: str) -> tuple[str, str]:
    found = _TOKEN.match(text)
    if found is None:
        raise ValueError(f"TLC printed a value that the Python spec cannot have: {text!r}")
    return found[1], text[found.end() :]


def parse_dot(text: str) -> Labelled:
    """Read the graph that ``-dump dot,actionlabels`` wrote."""
    nodes: dict[str, Node] = {}
    steps: list[tuple[str, str, str]] = []
    initial: set[Node] = set()
    known: dict[str, str] = {}  # the same values come again and again
    for line in text.splitlines():
        if edge := _EDGE.match(line):
            steps.append((edge[1], edge[3], edge[2]))
        elif state := _NODE.match(line):
            nodes[state[1]] = _node(state[2], known)
            if state[3]:
                initial.add(nodes[state[1]])
        elif "->" in line and not _DASHED.match(line):
            raise ValueError(f"an edge without the name of an action: {line}")
    edges = frozenset((nodes[before], name, nodes[after]) for before, name, after in steps)
    return Labelled(frozenset(initial), frozenset(nodes.values()), edges)


def _node(text: str, known: dict[str, str]) -> Node:
    plain = text.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
    state = variables(plain)
    for value in state.values():
        if value not in known:
            known[value] = tla_text(parse_value(value))
    return tuple((name, known[state[name]]) for name in sorted(state))


def of_tlc(name: str, model: AnyModel) -> Labelled:
    """Let TLC write the graph of the good module at the bounds of ``model``."""
    config = write_bounds(name, model)
    dump = BUILD / "bounds" / f"{name}.dot"
    outcome = run(config, "-dump", "dot,actionlabels", str(dump))
    if outcome.result != HOLDS:
        raise RuntimeError(f"TLC failed on {model}:\n{outcome.output}")
    graph = parse_dot(dump.read_text(encoding="utf-8"))
    dump.unlink()
    if len(graph.nodes) != outcome.states:
        raise RuntimeError(f"TLC found {outcome.states} states, its dump has {len(graph.nodes)}")
    return graph


# -------------------------------------------------------- the explorer's side


def labelled(graph: Graph[S, A]) -> Labelled:
    """Return an explored graph as nodes and labelled edges."""
    model = graph.model
    nodes = {state: node(model, state) for state in graph.edges}
    return Labelled(
        frozenset(nodes[state] for state in graph.initial),
        frozenset(nodes.values()),
        frozenset((nodes[a], label(action), nodes[b]) for a, action, b in graph.triples()),
    )


# ------------------------------------------------------------- the comparison


def differences(tlc: Labelled, python: Labelled) -> tuple[str, ...]:
    """Return what is in one graph only: the first few of each kind, readable.

    Steps come nearest to the initial states first, and from states that both graphs
    have: what follows from an earlier difference comes last.
    """
    found: list[str] = []
    for title, left, right in (("TLC", tlc, python), ("the Python spec", python, tlc)):
        starts = sorted(left.initial - right.initial)
        found += [f"initial state of {title} only: {_shown(each)}" for each in starts[:MOST_SHOWN]]
        edges = left.edges - right.edges
        if edges:
            found.append(f"{len(edges)} steps of {title} only, such as")
            far = distances(left)
            first = sorted(
                edges, key=lambda edge: (edge[0] not in right.nodes, far.get(edge[0], -1), edge)
            )
            found += [_step(*each) for each in first[:MOST_SHOWN]]
        else:
            states = sorted(left.nodes - right.nodes)
            found += [f"state of {title} only: {_shown(each)}" for each in states[:MOST_SHOWN]]
    return tuple(found)


def distances(graph: Labelled) -> Mapping[Node, int]:
    """Return how many steps each node is from the initial states."""
    after: dict[Node, set[Node]] = {}
    for source, _, target in graph.edges:
        after.setdefault(source, set()).add(target)
    far = dict.fromkeys(graph.initial, 0)
    layer = set(graph.initial)
    while layer:
        layer = {each for source in layer for each in after.get(source, ())} - far.keys()
        far |= dict.fromkeys(layer, max(far.values()) + 1)
    return far


def _step(before: Node, action: str, after: Node) -> str:
    changed = ", ".join(
        f"{name}: {value}"
        for (name, value), (_, old) in zip(after, before, strict=True)
        if value != old
    )
    return f"  {_shown(before)}\n    --{action}--> {changed or 'nothing changes'}"


def _shown(state: Node) -> str:
    return ", ".join(f"{name} = {value}" for name, value in state)


def _compared(number: int, bound: str, model: AnyModel) -> tuple[Row, Row]:
    start = time.perf_counter()
    tlc = of_tlc(f"{model.name}Bounds{number}", model)
    seen = time.perf_counter()
    python, judged = explored(bound, model)
    found = differences(tlc, python())
    equal = Row(
        claim=f"{model.name}: TLC's graph = the Python spec's",
        engine="TLC, explore",
        bound=bound,
        count=f"{len(tlc.nodes)} states {len(tlc.edges)} edges",
        seconds=seen - start,
        ok=not found and bool(tlc.edges),
        details="\n".join(found),
    )
    return equal, judged


def explored(bound: str, model: AnyModel) -> tuple[Callable[[], Labelled], Row]:
    """Explore ``model``: how to get its graph, and what became of its invariants."""
    match model:
        case FutureModel():
            return _explored(bound, model)
        case WaitingModel():
            return _explored(bound, model)
        case ThreadPoolModel():
            return _explored(bound, model)
        case ProcessPoolModel():
            return _explored(bound, model)
        case MapModel():
            return _explored(bound, model)
        case unknown:
            assert_never(unknown)


def _explored(bound: str, model: Model[S, A]) -> tuple[Callable[[], Labelled], Row]:
    start = time.perf_counter()
    graph = explore(model)
    names = [*model.invariants, *model.step_invariants]
    strange = [f"{each}: a kind of edge that is not listed" for each in unlisted(graph)]
    row = Row(
        claim=f"{model.name}: {len(names)} invariants on every reachable state",
        engine="explore",
        bound=bound,
        count=f"{len(graph.edges)} states",
        seconds=time.perf_counter() - start,
        ok=not graph.violations and bool(names) and not strange,
        details="\n".join([*map(str, graph.violations), *strange]),
    )
    return lambda: labelled(graph), row


def rows() -> Iterator[Row]:
    """Compare every pair, two at a time."""
    with ProcessPoolExecutor(AT_ONCE) as pool:
        pairs = [
            pool.submit(_compared, number, pair.bound, pair.model)
            for number, pair in enumerate(PAIRS, start=1)
        ]
        for job in pairs:
            yield from job.result()


# -------------------------------------------------------------- larger bounds


def _further(bound: str, model: AnyModel) -> Row:
    return explored(bound, model)[1]


def larger(*, write: bool) -> Iterator[Row]:
    """Compare at larger bounds, then explore in Python alone; keep what came of it."""
    bounds: dict[str, object] = {}
    with ProcessPoolExecutor(AT_ONCE) as pool:
        wider = [
            pool.submit(_compared, number, pair.bound, pair.model)
            for number, pair in enumerate(WIDER, start=len(PAIRS) + 1)
        ]
        further = [pool.submit(_further, pair.bound, pair.model) for pair in LARGER]
        found = chain(
            chain.from_iterable(job.result() for job in wider), (job.result() for job in further)
        )
        for row in found:
            told = {"count": row.count, "ok": row.ok, "seconds": round(row.seconds, 1)}
            bounds[f"{row.claim}; {row.bound}"] = told
            yield row
    if write:
        EXPLORED.write_text(json.dumps({**stamp(), "bounds": bounds}, indent=1) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, and do what it says."""
    parser = argparse.ArgumentParser("equality", description="TLC's graphs and Python's.")
    parser.add_argument("--larger", action="store_true", help="the larger bounds")
    parser.add_argument("--write", action="store_true", help="keep what came of the larger ones")
    asked = parser.parse_args(arguments)
    return report(larger(write=asked.write) if asked.larger else rows())


if __name__ == "__main__":
    raise SystemExit(main())
