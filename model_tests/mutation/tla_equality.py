"""Is the graph of a mutant that of the Python spec?  Many mutants in one run of TLC."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Final

from foregone_spec.future_model import FutureModel
from foregone_spec.lifecycle import Request
from foregone_spec.map_model import MapModel
from foregone_spec.model import tla_text
from foregone_spec.process_death import Policy
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.thread_pool import ThreadPoolModel
from foregone_spec.waiting import Ending
from foregone_spec.waiting_model import WaitingModel
from model_tests.chain.equality import Edge, Labelled, Node, explored, parse_value
from model_tests.chain.pairs import PAIRS, AnyModel, Pair, constants
from model_tests.chain.tlc import HOLDS, Outcome, variables
from model_tests.mutation.tla import Mutation
from model_tests.mutation.tla_batch import NAME, Copies, culprit, explore, schema, substituted
from model_tests.mutation.tla_differs import Bound, differ

_BOTH: Final = (Request.SHUTDOWN, Request.SHUTDOWN_CANCEL_FUTURES)
_REPLACE: Final = Policy.REPLACE
_OK: Final = (Ending.RESULT,)
_TWO: Final = (Ending.RESULT, Ending.EXCEPTION)
_OTHER: Final = re.compile(r'<<"OTHER", (\d+)>>')
_NODE: Final = re.compile(r'^(-?\d+) \[label="(.*)"(,style = filled)?\];?$')
_EDGE: Final = re.compile(r'^(-?\d+) -> (-?\d+) \[label="(\w+)_w\d+".*\];?$')

#: Those of ``chain.pairs`` at which mutants are compared: at the larger ones few are left.
CHAIN: Final = (
    "bare, 1 of each",
    "first of 2 futures, 3 endings",
    "all of 2 futures, 3 endings",
    "as_completed, one named twice",
    "2 calls, 2 threads",
    "3 calls, 1 thread, cancelling",
    "2 calls, 2 threads, all may fail",
    "2 calls, 2 threads, the interpreter exits",
    "2 calls, 2 processes, a death breaks",
    "2 calls, 1 process, all may fail",
    "2 calls, 1 process, the interpreter exits",
    "3 items, buffer of 2",
    "4 items, buffer of 3, input raises",
    "5 items, buffer of 3",
)

#: Bounds below those of ``chain.pairs``: most mutants differ here.
SMALL: Final = (
    Pair("bare, 1 callback", FutureModel(False, 1, 1, 0, 0, 1)),
    Pair("owned, 1 waits", FutureModel(True, 1, 0, 0, 1, 0)),
    Pair("bare, 1 result, 1 wait", FutureModel(False, 1, 0, 1, 1, 0)),
    Pair("bare, 2 cancel", FutureModel(False, 2, 0, 0, 1, 0)),
    Pair("bare, 2 callbacks", FutureModel(False, 1, 1, 0, 0, 2)),
    Pair("owned, 1 of each", FutureModel(True, 1, 1, 1, 1, 1)),
    Pair("1 future, 1 caller", WaitingModel(1, ("ALL_COMPLETED",), ((1,),))),
    Pair("as_completed, 1 future", WaitingModel(1, ("AS_COMPLETED",), ((1,),), _OK)),
    Pair("first of 2 futures", WaitingModel(2, ("FIRST_COMPLETED",), ((1, 2),), _OK)),
    Pair("first exception of 2", WaitingModel(2, ("FIRST_EXCEPTION",), ((1, 2),), _TWO)),
    Pair("as_completed, 2 futures", WaitingModel(2, ("AS_COMPLETED",), ((1, 2),), _OK)),
    Pair("2 callers", WaitingModel(1, ("FIRST_COMPLETED", "AS_COMPLETED"), ((1,), (1,)), _OK)),
    Pair("1 call, all may fail", ThreadPoolModel(1, 1, _BOTH[:1], True, True, True)),
    Pair("2 calls, 1 thread, cancelling", ThreadPoolModel(2, 1, _BOTH[1:])),
    Pair("2 calls, 1 thread, all may fail", ThreadPoolModel(2, 1, _BOTH, True, True, True)),
    Pair("1 call, 1 death breaks", ProcessPoolModel(1, 1, 1, _BOTH[:1], 1)),
    Pair("1 call, cancelling", ProcessPoolModel(1, 1, 1, _BOTH[1:], 0, _REPLACE, 2, 1)),
    Pair(
        "1 call, no shutdown, all may fail",
        ProcessPoolModel(1, 1, 1, (), 1, _REPLACE, 2, 0, 1, False, True, True, True, True),
    ),
    Pair("2 calls, 2 processes that retire", ProcessPoolModel(2, 2, 2, (), 0, _REPLACE, 1, 1)),
    Pair("1 call, 2 processes at once", ProcessPoolModel(1, 2, 2, _BOTH[:1], 1, eager=True)),
    Pair("2 calls, 1 process, 1 overtakes", ProcessPoolModel(2, 1, 1, (), overtake=1)),
    Pair("3 calls, 1 process, 1 overtakes", ProcessPoolModel(3, 1, 3, (), overtake=1)),
    Pair("2 calls, 1 process, 1 death", ProcessPoolModel(2, 1, 1, _BOTH[1:], 1, _REPLACE)),
    Pair(
        "1 call, 1 process, all may fail",
        ProcessPoolModel(1, 1, 1, _BOTH, 1, _REPLACE, 2, 1, 2, False, True, True, True, True),
    ),
    Pair("2 items, input raises", MapModel(2, 2, fails_at=2)),
    Pair("2 items, buffer of 1", MapModel(2, 1)),
)


def pairs(subject: str) -> tuple[Pair, ...]:
    """Return the bounds at which a subject is compared, the smallest first."""
    chain = (pair for pair in PAIRS if pair.bound in CHAIN)
    return tuple(pair for pair in (*SMALL, *chain) if pair.model.name == subject)


@cache
def python_graph(model: AnyModel) -> Labelled:
    """Return the graph of the Python spec."""
    return explored("", model)[0]()


def compare(
    copies: Copies, chosen: Sequence[Mutation], pair: Pair, room: Path
) -> Iterator[tuple[Mutation, str | None, float]]:
    """Yield what each mutant's graph says: how it differs, or None, and what that took.

    The module as it is goes along as number 0, and must not differ.  Where TLC ends with an
    error, that mutant is out, and so is whoever has gone a step that is none of number 0:
    the rest go again, to the end, where number 0 is compared with the Python spec.
    """
    left = dict(enumerate(chosen, start=1))
    given = "".join(f"  {key} <- Given{key}\n" for key in constants(pair.model))
    config = f"CONSTANTS\n{given}{substituted(copies)}"
    while True:
        began = perf_counter()
        text = _text(copies, left, pair)
        dump = room / f"{NAME}.dot"
        outcome = explore(text, room, config, "-dump", "dot,actionlabels", str(dump))
        if outcome.result == HOLDS:
            break
        number = culprit(outcome)
        if number not in left:
            raise RuntimeError(f"{pair.bound}: TLC failed on no mutant:\n{outcome.output[-3000:]}")
        other = {int(each) for each in _OTHER.findall(outcome.output)} & left.keys()
        share = (perf_counter() - began) / (1 + len(other - {number}))
        yield left.pop(number), "TLC cannot evaluate it", share
        for each in sorted(other - {number}):
            yield left.pop(each), "a step more", share
    graphs = graphs_of(dump.read_text(encoding="utf-8"))
    dump.unlink()
    spec = python_graph(pair.model)
    if graphs.get(0) != spec:
        raise RuntimeError(f"{pair.bound}: the module as it is differs from the Python spec")
    share = (perf_counter() - began) / max(1, len(left))
    for number, mutation in left.items():
        yield mutation, difference(graphs.get(number), spec), share


def otherwise(
    copies: Copies, chosen: Sequence[Mutation], pair: Pair, room: Path
) -> Iterator[tuple[Mutation, str | None, float]]:
    """Yield, of changes within actions, which take other steps than the module as it is.

    The graph of that one must be the Python spec's.
    """
    given = [f"Given{key} == {value}" for key, value in constants(pair.model).items()]
    config = "".join(f"  {key} <- Given{key}\n" for key in constants(pair.model))
    bound = Bound(given, f"CONSTANTS\n{config}", copies.context.subject.init)
    dump = room / f"{NAME}.dot"
    for said in differ(copies, chosen, bound, room, "-dump", "dot,actionlabels", str(dump)):
        if not isinstance(said, Outcome):
            yield said
    graph = graphs_of(dump.read_text(encoding="utf-8")).get(0)
    dump.unlink()
    if graph != python_graph(pair.model):
        raise RuntimeError(f"{pair.bound}: the module as it is differs from the Python spec")


def difference(graph: Labelled | None, spec: Labelled) -> str | None:
    """Say how a mutant's graph differs, in a word."""
    if graph is None:
        return "no initial state"
    if graph.initial != spec.initial:
        return "other initial states"
    more, less = len(graph.edges - spec.edges), len(spec.edges - graph.edges)
    return f"{more} steps more, {less} less" if more or less else None


def _text(copies: Copies, left: Mapping[int, Mutation], pair: Pair) -> str:
    """Return the batch: a mutant stops after its first step that is none of the module as is.

    That one is still in its graph.
    """
    given = [f"Given{key} == {value}" for key, value in constants(pair.model).items()]
    other = 'OtherB == PrintT(<<"OTHER", mutant>>) /\\ EnoughB'
    after = f"IF {copies.context.subject.next} THEN TRUE ELSE OtherB"
    chosen: dict[int, Mutation | None] = {0: None, **left}
    return schema(copies, chosen, [*given, other], (), (), 1, after=after)


def graphs_of(dot: str) -> Mapping[int, Labelled]:
    """Read the dump of a batch as the graphs of its mutants."""
    known: dict[str, str] = {}
    nodes: dict[str, tuple[int, Node]] = {}
    starts: dict[int, set[Node]] = {}
    steps: dict[int, set[Edge]] = {}
    found: list[re.Match[str]] = []
    for line in dot.splitlines():
        if edge := _EDGE.match(line):
            found.append(edge)
        elif state := _NODE.match(line):
            nodes[state[1]] = number, node = _node(state[2], known)
            if state[3]:
                starts.setdefault(number, set()).add(node)
    for edge in found:
        number, before = nodes[edge[1]]
        steps.setdefault(number, set()).add((before, edge[3], nodes[edge[2]][1]))
    states: dict[int, set[Node]] = {}
    for number, node in nodes.values():
        states.setdefault(number, set()).add(node)
    return {
        each: Labelled(
            frozenset(starts.get(each, ())), frozenset(states[each]), frozenset(steps.get(each, ()))
        )
        for each in states
    }


def _node(text: str, known: dict[str, str]) -> tuple[int, Node]:
    plain = text.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
    state = variables(plain)
    number = int(state.pop("mutant", "0"))
    for value in state.values():
        if value not in known:
            known[value] = _value(value)
    return number, tuple((name, known[state[name]]) for name in sorted(state))


def _value(text: str) -> str:
    """Return a value as the spec writes it; what the spec cannot have, as it is."""
    try:
        return tla_text(parse_value(text))
    except ValueError:
        return text
