"""Laws of what CrossHair cannot confirm, over finite domains: predicates, models, tools.

CrossHair makes up arguments from their types.  A state has up to sixteen fields, most of
them sequences of any length, and a model is any class with the right methods: of these
it does not see the end.  So each law here is asked in every case of a small domain: all
states and steps of one small model of each kind, all tables.  A law reads functions from
their modules when it is asked, so that contract_wrong can put wrong ones there.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from enum import Enum
from functools import cache
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from foregone_spec import (
    draw,
    explore,
    follow,
    future,
    kinds,
    lifecycle,
    model,
    page,
    process_death,
    rooms,
    trace,
    waiting,
    work_item,
)
from foregone_spec.future_model import FutureModel
from foregone_spec.lifecycle import Request
from foregone_spec.map_model import MapModel
from foregone_spec.model import Model, NotEnabled, Value
from foregone_spec.process_death import Policy
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_state import ProcessPoolState
from foregone_spec.thread_pool import ThreadPoolModel
from foregone_spec.waiting_model import WaitingModel

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Cases: TypeAlias = Iterator[tuple[str, bool]]
AnyModel: TypeAlias = Model[object, object]
Predicate: TypeAlias = Callable[..., bool]

_CANCELLING: Final = (Request.SHUTDOWN_CANCEL_FUTURES,)
#: One small model of each kind, in which everything can happen that a claim speaks of.
SMALL: Final = cast(
    "Sequence[AnyModel]",
    (
        FutureModel(owned=False, cancellers=1, results=0, callbacks=2),
        WaitingModel(2, ("FIRST_EXCEPTION",), ((1, 2, 1),)),
        ThreadPoolModel(2, 1, _CANCELLING, *(True, True, True)),
        MapModel(2, 1),
        ProcessPoolModel(2, 1, 1, _CANCELLING, 1, Policy.REPLACE),
    ),
)


def _reached(small: AnyModel) -> "explore.Graph[object, object]":
    return _graph(SMALL.index(small))


@cache
def _graph(place: int) -> "explore.Graph[object, object]":
    return explore.explore(SMALL[place])


# ------------------------------------------------------------------- predicates


def predicates_tell_apart(
    wrong: Callable[[Predicate], Predicate] = lambda right: right,
) -> Cases:
    """Check that each invariant holds where it should, and that something would break it.

    ``wrong`` is put in the place of each.
    """
    for small in SMALL:
        graph = _reached(small)
        states = list(graph.edges)
        for name, right in small.invariants.items():
            holds = wrong(right)
            yield f"{name} of every state of {small}", all(map(holds, states))
            yield f"{name} not of all others", any(_breaks(holds, one) for one in _others(states))
        for name, permits in small.step_invariants.items():
            allows = wrong(permits)
            steps = [(before, after) for before, _, after in graph.triples()]
            yield f"{name} of every step of {small}", all(allows(*each) for each in steps)
            pairs = ((before, after) for before in states for after in states)
            yield f"{name} not of all pairs", any(not allows(*each) for each in pairs)


def _breaks(holds: Predicate, state: object) -> bool:
    """Say whether ``state`` breaks a predicate: one that is no state of it does not."""
    try:
        return not holds(state)
    except (IndexError, ValueError):
        return False


#: Of so many states one is varied.
_EACH: Final = 7


def _others(states: Sequence[object]) -> Iterator[object]:
    """Yield each state with one variable as in another state, or as in none."""
    first = cast("DataclassInstance", states[0])
    for name in (each.name for each in fields(first)):
        known = dict.fromkeys(getattr(each, name) for each in states)
        more = [one for each in known for one in _varied(each)]
        for value in chain(dict.fromkeys(more), known):
            for state in states[::_EACH]:
                yield replace(cast("DataclassInstance", state), **{name: value})


def _varied(value: object) -> Iterator[object]:
    """Yield a sequence twice, one after the other, and with its items varied, all alike."""
    if not isinstance(value, tuple):
        return
    items = cast("tuple[object, ...]", value)
    if any(isinstance(each, tuple) for each in items):
        yield tuple((*each, *each) for each in cast("tuple[tuple[object, ...], ...]", items))
        return
    yield (*items, *items)
    if all(type(each) is int for each in items):
        yield tuple(2 * cast("int", each) for each in items)
    if items and isinstance(items[0], Enum):
        yield from ((each,) * len(items) for each in type(items[0]))


# ----------------------------------------------------------------------- models


def models_keep_their_word(models: Sequence[AnyModel] = SMALL) -> Cases:
    """Check that a model does what it says is enabled, and that alone, and shows what it did.

    What is not enabled is tried in each eighth state.
    """
    for small in models:
        graph = _reached(small)
        actions = tuple(dict.fromkeys(action for _, action, _ in graph.triples()))
        (first,) = small.initial()
        shape = {name: type(value) for name, value in small.variables(first).items()}
        seen: dict[str, object] = {}
        for number, (state, steps) in enumerate(graph.edges.items()):
            enabled = small.enabled(state)
            yield f"{small} in {state}: each once", len(set(enabled)) == len(enabled)
            taken = tuple((each, small.step(state, each)) for each in enabled)
            yield f"{small} in {state}: the same again", taken == steps
            if number % 8 == 0:
                others = (each for each in actions if each not in enabled)
                refused = all(_refuses(small, state, each) for each in others)
                yield f"{small} in {state}: no more", refused
            variables = small.variables(state)
            found = {name: type(value) for name, value in variables.items()}
            yield f"{small} in {state}: its variables", found == shape
            text = str(variables)
            yield f"{small} in {state}: shown apart", seen.setdefault(text, state) is state


def _refuses(small: AnyModel, state: object, action: object) -> bool:
    try:
        small.step(state, action)
    except NotEnabled:
        return True
    return False


# -------------------------------------------------------------------- explorer


def explorer_is_complete() -> Cases:
    """Check that the graph is closed, and that a shortest run is one, and short."""
    for small in SMALL:
        graph = explore.explore(small)
        inside = all(after in graph.edges for _, _, after in graph.triples())
        enabled = all(
            tuple(each for each, _ in steps) == small.enabled(state)
            for state, steps in graph.edges.items()
        )
        yield f"{small}: closed", inside and enabled and set(small.initial()) <= set(graph.edges)
        yield f"{small}: counted", graph.edge_count == sum(1 for _ in graph.triples())
        yield f"{small}: nothing is violated", not graph.violations
        longest = 0
        for wanted in islice(graph.edges, 0, None, len(graph.edges) // 6):
            story = explore.shortest(small, wanted.__eq__)
            run = [before for _, before in story]
            acts = [action for action, _ in story[1:]]
            right = bool(run) and run[0] in small.initial() and run[-1] == wanted
            for before, action, after in zip(run, acts, run[1:], strict=False):
                right = right and small.step(before, action) == after
            longest = max(longest, len(story))
            yield f"{small}: a run to {wanted}", right and len(set(run)) == len(run)
        yield f"{small}: depth", longest <= graph.depth
        for state in islice(graph.edges, 0, None, 8):
            shown = explore.node(small, state)
            values = {name: model.tla_text(each) for name, each in small.variables(state).items()}
            yield f"{small}: node {state}", shown == tuple(sorted(values.items()))
        for _, action, _ in islice(graph.triples(), 50):
            yield f"label {action}", repr(action).startswith(f"{explore.label(action)}(")


#: Values as TLA+ has them, and as TLC prints them.
_PRINTED: Final[tuple[tuple[Value, str], ...]] = (
    (True, "TRUE"),
    (False, "FALSE"),
    (0, "0"),
    (1, "1"),
    ("a", '"a"'),
    ((), "<<>>"),
    ((1, (False, "b")), '<<1, <<FALSE, "b">>>>'),
)


def values_are_printed_as_by_tlc() -> Cases:
    """Check each kind of value, and truth values before the integers that they equal."""
    for value, text in _PRINTED:
        yield f"{value!r}", model.tla_text(value) == text


# ------------------------------------------------------------------------ runs


def _runs(small: AnyModel) -> Iterator[tuple[object, ...]]:
    """Yield the actions of each run of up to two steps."""
    for first, after in _reached(small).edges[small.initial()[0]]:
        yield (first,)
        for second, _ in _reached(small).edges[after]:
            yield (first, second)


def runs_are_followed_and_kept() -> Cases:
    """Check that a run is accepted, that what is not one is not, and that JSON keeps both."""
    for small in SMALL:
        actions = tuple(dict.fromkeys(each for _, each, _ in _reached(small).triples()))
        for run in _runs(small):
            verdict = follow.check(small, run)
            yield f"{small}: {run} is accepted", verdict.accepted
            last = verdict.possible[-1][0]
            other = next(each for each in actions if each not in small.enabled(last))
            rejected = follow.check(small, (*run, other))
            where = (rejected.accepted, rejected.index, rejected.action)
            yield f"{small}: {run}, {other} is not", where == (False, len(run), other)
            told = small.variables(last)
            steps = (*run[:-1], follow.Step(run[-1], told))
            kept = trace.loads(trace.dumps(small, steps))
            same = kept.model == small and kept.steps == tuple(map(follow.step_of, steps))
            yield f"{small}: {run} is read as written", same


def plain_values_are_read_back() -> Cases:
    """Check that a model and an action are the same once they were plain, and JSON."""
    for small in SMALL:
        kind = cast("kinds.Kind[object, object]", kinds.kind_of(small))
        yield f"{small}: its kind", kind.make is type(small)
        plain = json.loads(json.dumps(kinds.plain_fields(small)))
        yield f"{small}: its fields", list(kinds.field_types(type(small))) == list(plain)
        yield f"{small}: read back", kind.model(plain) == small
        for action in dict.fromkeys(each for _, each, _ in _reached(small).triples()):
            again = kind.action(json.loads(json.dumps(kind.plain(action))), "here")
            yield f"{action}: read back", again == action


_GIVEN: Final[tuple[object, ...]] = (
    True,
    0,
    7,
    "a",
    "b",
    None,
    1.5,
    [],
    [1, ["a"]],
    {},
    {"a": 1},
    "x" * 99,
)


def what_is_not_wanted_is_refused() -> Cases:
    """Check of each kind of JSON value that the readers take it for what it is, or refuse it."""
    for raw in _GIVEN:
        plain = isinstance(raw, bool | int | str | list)
        yield f"plain_value {raw!r}", _taken(kinds.plain_value, raw, "here") is plain
        yield f"one_of {raw!r}", _taken(kinds.one_of, "it", "here", raw, ("a", "c")) is (raw == "a")
        yield f"mapping {raw!r}", _taken(kinds.mapping, raw, "here") is isinstance(raw, dict)
        yield f"sequence {raw!r}", _taken(kinds.sequence, raw, "here") is isinstance(raw, list)
        text, whole = kinds.short(raw), json.dumps(raw)
        yield f"short {raw!r}", text == whole or (len(text) == 60 and whole.startswith(text[:57]))
    yield "plain_value, as it is", kinds.plain_value([1, ["a"]], "here") == (1, ("a",))
    deep: object = 1
    for depth in range(12):
        fits = _taken(kinds.plain_value, deep, "here")
        yield f"plain_value, {depth} deep", fits is (depth <= kinds.DEPTH_LIMIT)
        deep = [deep]


def _taken(read: Callable[..., object], *given: object) -> bool:
    try:
        read(*given)
    except kinds.TraceError:
        return False
    return True


# -------------------------------------------------------------------- drawings


_TABLES: Final[Sequence[Mapping[object, Mapping[object, object]]]] = cast(
    "Sequence[Mapping[object, Mapping[object, object]]]",
    (
        future.TRANSITIONS,
        lifecycle.TRANSITIONS,
        waiting.RETURNS_ON,
        process_death.BREAKS,
        work_item.TRANSITIONS,
    ),
)


def drawings_show_every_cell() -> Cases:
    """Check that each drawing of a table has each of its cells, or each of its arrows."""
    machines = draw.machines()
    cells = [sum(map(len, each.cells.values())) for each in machines.values()]
    yield "as many cells as the tables have", cells == [sum(map(len, t.values())) for t in _TABLES]
    for name, machine in machines.items():
        table, plain = draw.markdown(machine), draw.text(machine)
        lines = [line.split() for line in plain.splitlines()]
        for state, row in machine.cells.items():
            shown = " | ".join(str(each) for each in row.values())
            yield f"{name} {state}: markdown", f"| `{state}` | {shown} |" in table
            for command, cell in row.items():
                words = [state, command, *cell.after.split(), *cell.reply.split(), *cell.effects]
                yield f"{name} {state} {command}: text", words in lines
        mermaid, dot, svg = draw.mermaid(machine), draw.dot(machine), draw.svg(machine)
        yield f"{name}: svg arrows", svg.count('class="arrow"') == len(machine.arrows)
        for state in machine.cells:
            yield f"{name} {state}: svg", f">{state}</text>" in svg
        for arrow in machine.arrows:
            ends = f"{arrow.before} --> {arrow.after}: {', '.join(arrow.commands)}\n"
            yield f"{name} {arrow}: mermaid", ends in mermaid
            yield f"{name} {arrow}: dot", f'"{arrow.before}" -> "{arrow.after}" [' in dot


def pictures_show_every_room() -> Cases:
    """Check that the picture of each state of a small process pool has all that is in it."""
    for state in _reached(SMALL[-1]).edges:
        if not isinstance(state, ProcessPoolState):
            continue
        shown = rooms.picture(state)
        words = {" ".join(each.split()) for line in shown.splitlines() for each in line.split("|")}
        wanted = [state.phase.value, "awake" if state.awake else "asleep"]
        wanted += [" ".join(map(str, each)) or "-" for each in (state.work_ids, state.call_queue)]
        for number, stands in enumerate(state.processes, start=1):
            runs = state.runs[number - 1]
            wanted.append(f"#{number} {stands}{f' {runs}' if runs else ''}")
            wanted.append(f"#{number}: {' '.join(map(str, state.result_queue[number - 1])) or '-'}")
        for number, call in enumerate(state.calls, start=1):
            unknown = state.begun[number - 1] and state.futures[number - 1] is future.State.PENDING
            said = f"{state.futures[number - 1].value}{' (claimed)' if unknown else ''}"
            said = "submit raised" if call == "raised" else said
            wanted += [] if call == "out" else [f"{number}: {said}"]
        yield f"{state}", words.issuperset(wanted)


def _numbers(action: object) -> Iterable[object]:
    return kinds.plain_fields(action).values()


def pages_have_the_graph() -> Cases:
    """Check that a page has each state and each step of a small process pool, and no other."""
    model = ProcessPoolModel(calls=1, processes=1, capacity=1, deaths=1)
    told = json.loads(json.dumps(page.scene_data(page.Scene("small", model))))
    reached = explore.explore(model).edges
    numbers = {state: number for number, state in enumerate(reached)}
    said = {each["text"]: each["says"] for each in told["actions"]}
    for action in {each for steps in reached.values() for each, _ in steps}:
        told_of = said.get(" ".join([type(action).__name__, *map(str, _numbers(action))]), "")
        document = (type(action).__doc__ or "").replace("`", "")
        yield f"{action}: in words", document.splitlines()[0] == told_of
    yield "as many states", len(told["states"]) == len(told["edges"]) == len(reached)
    for state, row, edges in zip(reached, told["states"], told["edges"], strict=False):
        shown = {
            name: values[each]
            for name, values, each in zip(told["variables"], told["values"], row, strict=True)
        }
        yield f"{state}", shown == json.loads(json.dumps(model.variables(state)))
        steps = {
            (told["actions"][action]["text"], after)
            for action, after in zip(edges[::2], edges[1::2], strict=True)
        }
        wanted = {
            (
                " ".join([type(action).__name__, *map(str, kinds.plain_fields(action).values())]),
                after,
            )
            for action, after in ((each, numbers[to]) for each, to in reached[state])
        }
        yield f"{state}: steps", steps == wanted


LAWS: Final[Mapping[str, Callable[[], Cases]]] = {
    "models: what is enabled can be done, and no more": models_keep_their_word,
    "invariants: each tells states apart": predicates_tell_apart,
    "explorer: complete, and shortest runs": explorer_is_complete,
    "values: printed as TLC prints them": values_are_printed_as_by_tlc,
    "runs: followed, written and read": runs_are_followed_and_kept,
    "models and actions: read back as they were": plain_values_are_read_back,
    "JSON: what is not wanted is refused": what_is_not_wanted_is_refused,
    "drawings: every cell, every arrow": drawings_show_every_cell,
    "pictures: every room": pictures_show_every_room,
    "pages: every state, every step": pages_have_the_graph,
}
