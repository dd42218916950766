"""The process pool as one HTML page: its reachable states, to be clicked through.

The page (``html/``) knows nothing of the pool: which states there are, what may happen in
each and what it leads to is what this module explores now, and embeds.  So it cannot
disagree with the specification.  Nothing is fetched, and nothing from a trace is markup.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Final, cast, final

from foregone_spec import counterexample, trace, words
from foregone_spec import process_pool_actions as act
from foregone_spec.counterexample import Judged
from foregone_spec.explore import Graph, TooManyStates, explore
from foregone_spec.future import DONE
from foregone_spec.kinds import PROCESS_POOL, TraceError, plain_fields
from foregone_spec.lifecycle import Request
from foregone_spec.model import Model, Value
from foregone_spec.process_death import Policy
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_state import ABSENT, DEAD, ProcessPoolState
from foregone_spec.walk import searchable

#: A page with more states than this takes a browser too long to read.
LIMIT: Final = 60_000
#: With a run there is something to be shown all the same, and nobody wants to wait for more.
LIMIT_OF_RUN: Final = 6_000
#: Of more calls and processes there are more states than that, whatever else is bounded.
_FEW: Final = 10
#: What may happen beside a run is shown, too: so many steps times calls a browser can read.
_MOST_OF_RUN: Final = 100_000

#: Whose step an action is, by its name: whoever uses the pool, a process, or the local worker.
_OF_USERS: Final = (
    act.Submit, act.SubmitUnpicklable, act.Cancel, act.Notice, act.Shutdown, act.Discard,
    act.Discarded, act.ShutdownReturns, act.Collect,
)  # fmt: skip
_OF_PROCESSES: Final = (
    act.Ready, act.InitializerFails, act.Claim, act.Finish, act.Retire, act.Exit, act.Die,
)  # fmt: skip

#: The model that has a picture here; of a run of another its variables are shown.
_SHOWN: Final = "ProcessPool"

_Model = Model[ProcessPoolState, act.Action]


@final
@dataclass(frozen=True, slots=True)
class Scene:
    """A model with bounds, and what it shows.

    All of its states, or, if it has too many, those of one run and what may follow each.
    """

    title: str
    model: _Model
    run: tuple[act.Action, ...] | None = None

    def graph(self) -> Graph[ProcessPoolState, act.Action]:
        """Return the states to be shown; where it ends is one that has no edges at all.

        Raises TooManyStates if there are too many and no run is given.
        """
        if self.run is None:
            return explore(self.model, searchable(self.model, LIMIT))
        if sum(_size(self.model)) <= _FEW:
            try:
                return explore(self.model, min(LIMIT, LIMIT_OF_RUN))
            except TooManyStates:
                pass  # there is the run
        graph = Graph(self.model, self.model.initial())
        state = graph.initial[0]
        for action in (*self.run, None):
            steps = [(each, self.model.step(state, each)) for each in self.model.enabled(state)]
            graph.edges[state] = tuple(steps)
            if action not in dict(steps):
                break
            state = dict(steps)[action]
        return graph


def scenes() -> tuple[Scene, ...]:
    """Return what the page shows if nothing else is asked for."""
    both = (Request.SHUTDOWN, Request.SHUTDOWN_CANCEL_FUTURES)
    return (
        Scene(
            "2 calls, 2 processes: one may die, and the pool breaks",
            ProcessPoolModel(calls=2, processes=2, capacity=2, deaths=1),
        ),
        Scene(
            "2 calls, 2 processes: one may die, and is replaced",
            ProcessPoolModel(calls=2, processes=2, capacity=2, deaths=1, policy=Policy.REPLACE),
        ),
        Scene(
            "3 calls, 2 processes, nobody dies",
            ProcessPoolModel(calls=3, processes=2, capacity=2),
        ),
        Scene(
            "2 calls, 1 process: shut down twice, the second time with cancel_futures",
            ProcessPoolModel(calls=2, processes=1, capacity=1, closers=both),
        ),
        Scene(
            "2 calls, 1 process: its initializer may raise, a call may not pickle",
            ProcessPoolModel(
                calls=2, processes=1, capacity=1, initializer_fails=True, unpicklable=True
            ),
        ),
        Scene(
            "2 calls, 1 process, replaced after each call; the executor may be collected",
            ProcessPoolModel(calls=2, processes=1, capacity=1, max_tasks=1, collects=True),
        ),
    )


def _size(model: _Model) -> tuple[int, int]:
    """Return how many calls and processes a model has."""
    fields = cast("dict[str, int]", plain_fields(model))
    return fields["calls"], fields["processes"]


def of_trace(name: str, text: str) -> tuple[tuple[Scene, ...], str, Judged]:
    """Return what the page is to show of a run, or of a counterexample, that ``text`` is.

    Its scene, none where the model is not the process pool; the text to be loaded; how far the
    specification follows it.  Raises TraceError where it cannot be read, or is too long.
    """
    found = counterexample.read(text)
    if found is None:
        run = trace.loads(text)
        found = counterexample.of_run(run)
        text = text if found.model == _SHOWN else found.text()
    try:
        judged = counterexample.judged(found)
    except TraceError as error:
        judged = Judged(found.model, len(found.steps), "", (), str(error))
    if found.model != _SHOWN or judged.unknown:
        return (), text, judged
    model = PROCESS_POOL.model(found.fields)
    taken = tuple(PROCESS_POOL.action(each.action, name) for each in found.steps[: judged.followed])
    calls = sum(_size(model))
    if len(taken) * calls > _MOST_OF_RUN:
        raise TraceError(
            f"{len(taken):,} steps of {calls:,} calls and processes are too many for a "
            f"page, which takes {_MOST_OF_RUN:,} of the one times the other: foregone-spec check "
            "and explain take runs of any size"
        )
    return (Scene(f"the run {name.rpartition('/')[2]}", model, taken),), text, judged


def page(
    shown: Sequence[Scene] | None = None, run: str | None = None, judged: Judged | None = None
) -> str:
    """Return the page as a text: one HTML file that needs nothing else.

    ``shown`` are the scenes, None for those of ``scenes()``; ``run`` is the text of a recorded
    run or a counterexample that is loaded at once, and ``judged`` what the specification says
    of it.  Raises TooManyStates where a scene is too large.
    """
    data = {
        "scenes": [scene_data(each) for each in (scenes() if shown is None else shown)],
        "trace": run,
        "judged": None if judged is None else asdict(judged),
        "done": [each.value for each in DONE],
        "dead": DEAD,
        "absent": ABSENT,
    }
    folder = files("foregone_spec").joinpath("html")
    style, script, text = (
        folder.joinpath(name).read_text(encoding="utf-8")
        for name in ("page.css", "page.js", "page.html")
    )
    parts = {"/*STYLE*/": style, "/*DATA*/": _embedded(data), "/*SCRIPT*/": script}
    for mark, part in parts.items():
        before, _, after = text.partition(mark)
        text = before + part + after
    return text


def _embedded(data: object) -> str:
    """Return ``data`` as JSON that no HTML parser takes for markup."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def scene_data(scene: Scene) -> dict[str, object]:
    """Return the reachable graph of a scene's model as plain values.

    ``states`` has a row for each state: for each variable the number of its value in
    ``values``.  ``edges`` has one too: numbers of an action and of the state after it, in
    turn; None where that was not explored.  The first state is the initial one.
    """
    graph = scene.graph()
    numbers = {state: number for number, state in enumerate(graph.edges)}
    for _, _, after in graph.triples():
        numbers.setdefault(after, len(numbers))
    actions: dict[act.Action, int] = {}
    edges = [
        [
            each
            for action, after in graph.edges[state]
            for each in (actions.setdefault(action, len(actions)), numbers[after])
        ]
        if state in graph.edges
        else None
        for state in numbers
    ]
    names = list(scene.model.variables(graph.initial[0]))
    values: dict[str, dict[Value, int]] = {name: {} for name in names}
    states = [_row(scene.model.variables(state), values) for state in numbers]
    return {
        "title": scene.title,
        "fields": plain_fields(scene.model),
        "variables": names,
        "values": [list(values[name]) for name in names],
        "states": states,
        "actions": [_action(each) for each in actions],
        "edges": edges,
        "invariants": [*scene.model.invariants, *scene.model.step_invariants],
        "broken": dict(_broken(graph, numbers)),
    }


def _row(variables: Mapping[str, Value], values: Mapping[str, dict[Value, int]]) -> list[int]:
    return [values[name].setdefault(value, len(values[name])) for name, value in variables.items()]


def _action(action: act.Action) -> dict[str, object]:
    if isinstance(action, _OF_USERS):
        who = "users"
    elif isinstance(action, _OF_PROCESSES):
        who = f"process {action.process}"
    else:
        who = "local worker"
    text, said = words.typed(action), words.says(action)
    return {**PROCESS_POOL.plain(action), "text": text, "who": who, "says": said}


def _broken(
    graph: Graph[ProcessPoolState, act.Action], numbers: Mapping[ProcessPoolState, int]
) -> Iterator[tuple[str, list[str]]]:
    """Yield what is violated: by the number of a state, or of two, before and after a step."""
    if not graph.violations and len(graph.edges) == len(numbers):
        return  # whoever has explored all of it has asked
    model = graph.model
    for state, number in numbers.items():
        wrong = [name for name, holds in model.invariants.items() if not holds(state)]
        if wrong:
            yield str(number), wrong
    for state, _, after in graph.triples():
        wrong = [name for name, allows in model.step_invariants.items() if not allows(state, after)]
        if wrong:
            yield f"{numbers[state]}>{numbers[after]}", wrong
