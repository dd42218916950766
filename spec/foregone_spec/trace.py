"""A recorded run as JSON: a header that names the model, then the steps.

Whether it is a behaviour of the model is ``follow``'s to say.  A file is not trusted:
what is read is looked up and bounded (see kinds), never executed.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, final

from foregone_spec import (
    future_actions,
    future_model,
    map_model,
    process_pool_actions,
    process_pool_state,
    thread_pool,
    thread_pool_actions,
    waiting_model,
)
from foregone_spec.follow import Step, Verdict, check, step_of
from foregone_spec.kinds import (
    FUTURE,
    MAP,
    PROCESS_POOL,
    THREAD_POOL,
    WAITING,
    Kind,
    TraceError,
    kind_of,
    mapping,
    one_of,
    plain_fields,
    plain_value,
    sequence,
    short,
)
from foregone_spec.model import A, Model, S

__all__ = ["Recorded", "Run", "Step", "TraceError", "Verdict", "check", "dumps", "loads"]

FORMAT: Final = "foregone-trace"
VERSION: Final = 1
#: The longest text that is read, in bytes.
SIZE_LIMIT: Final = 16 * 2**20


@final
@dataclass(frozen=True, slots=True)
class Recorded(Generic[S, A]):
    """A run that was read from JSON: a header that names the model, then the steps."""

    model: Model[S, A]
    steps: tuple[Step[A], ...]

    def check(self, silent: Callable[[A], bool] | None = None) -> Verdict[S, A]:
        """Say whether this run is a behaviour of its model."""
        return check(self.model, self.steps, silent)


Run: TypeAlias = (
    Recorded[future_model.FutureState, future_actions.Action]
    | Recorded[waiting_model.WaitingState, waiting_model.Action]
    | Recorded[thread_pool.ThreadPoolState, thread_pool_actions.Action]
    | Recorded[process_pool_state.ProcessPoolState, process_pool_actions.Action]
    | Recorded[map_model.MapState, map_model.Action]
)


def loads(text: str) -> Run:
    """Return the run that ``text`` holds; raise TraceError where it is not one."""
    raw = _parsed(text)
    for name in ("format", "version", "model", "fields", "steps"):
        if name not in raw:
            raise TraceError(f"{name} is missing: a run has format, version, model, fields, steps")
    one_of("the format", "format", raw["format"], (FORMAT,))
    if type(raw["version"]) is not int or raw["version"] != VERSION:
        raise TraceError(f"version is {short(raw['version'])}: this program reads {VERSION}")
    return _READERS[one_of("a model", "model", raw["model"], _READERS)](raw)


def _recorded(kind: Kind[S, A], raw: Mapping[str, object]) -> Recorded[S, A]:
    model = kind.model(raw["fields"])
    steps = enumerate(sequence(raw["steps"], "steps"))
    return Recorded(model, tuple(_step(kind, each, f"steps[{number}]") for number, each in steps))


def _step(kind: Kind[S, A], raw: object, where: str) -> Step[A]:
    given = dict(mapping(raw, where))
    if "variables" not in given:
        return Step(kind.action(given, where))
    known = mapping(given.pop("variables"), f"{where}.variables")
    variables = {
        name: plain_value(each, f"{where}.variables[{short(name)}]") for name, each in known.items()
    }
    return Step(kind.action(given, where), variables)


_READERS: Final[Mapping[str, Callable[[Mapping[str, object]], Run]]] = {
    "Future": lambda raw: _recorded(FUTURE, raw),
    "Waiting": lambda raw: _recorded(WAITING, raw),
    "ThreadPool": lambda raw: _recorded(THREAD_POOL, raw),
    "ProcessPool": lambda raw: _recorded(PROCESS_POOL, raw),
    "Map": lambda raw: _recorded(MAP, raw),
}


def _parsed(text: str) -> Mapping[str, object]:
    _check_size(text)
    try:
        return mapping(json.loads(text, object_pairs_hook=_unique), "the text")
    except TraceError:
        raise
    except RecursionError:
        raise TraceError("the text is nested too deeply for a recorded run") from None
    except ValueError as error:
        raise TraceError(f"the text is not JSON: {error}") from None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise TraceError(f"a name is given twice: {short([name for name, _ in pairs])}")
    return found


def dumps(model: Model[S, A], actions: "Sequence[A | Step[A]]") -> str:
    """Return the run as JSON, one step a line, for ``loads``."""
    kind = kind_of(model)
    header = {"format": FORMAT, "version": VERSION, "model": model.name}
    steps = ",\n".join(f"  {json.dumps(_plain(kind.plain, each))}" for each in actions)
    text = (
        f'{json.dumps(header)[:-1]},\n "fields": {json.dumps(plain_fields(model))},\n'
        f' "steps": [\n{steps}\n ]}}\n'
    )
    _check_size(text)
    return text


def _plain(
    plain: Callable[[object], dict[str, object]], recorded: "A | Step[A]"
) -> dict[str, object]:
    step = step_of(recorded)
    known = {} if step.variables is None else {"variables": dict(step.variables)}
    return {**plain(step.action), **known}


def _check_size(text: str) -> None:
    if len(text) > SIZE_LIMIT or len(text.encode("utf-8", "surrogatepass")) > SIZE_LIMIT:
        raise TraceError(f"the text is longer than {SIZE_LIMIT} bytes: record a shorter run")
