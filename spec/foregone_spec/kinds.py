"""The models that there are, and their fields and actions as plain values.

What comes from outside, a file or a command line, becomes a model or an action
here and nowhere else: every name is looked up, every value is checked against the
type of its field, and sizes are bounded.  Nothing is executed, whatever it says.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import MISSING, Field, dataclass
from enum import Enum
from typing import (
    Final,
    Generic,
    TypeAlias,
    TypeGuard,
    TypeVar,
    final,
    get_args,
    get_origin,
    get_type_hints,
)

from foregone_spec import (
    future_actions,
    future_model,
    map_model,
    process_pool,
    process_pool_actions,
    process_pool_state,
    thread_pool,
    thread_pool_actions,
    waiting_model,
)
from foregone_spec.model import A, Model, S, Value
from foregone_spec.waiting import ReturnWhen
from foregone_spec.waiting_model import AS_COMPLETED

T = TypeVar("T")

#: The largest number, and the longest list, in a field.
BOUND: Final = 10_000
#: The deepest list in a list, among the values of variables.
DEPTH_LIMIT: Final = 8
#: What a caller of the model Waiting may ask.
ASKS: Final = (*(each.value for each in ReturnWhen), AS_COMPLETED)


class TraceError(ValueError):
    """What was given cannot be read: where, what was found, what is allowed."""


@final
@dataclass(frozen=True, slots=True)
class Kind(Generic[S, A]):
    """One model, and its actions by name."""

    make: type[Model[S, A]]
    actions: Mapping[str, type[A]]

    def model(self, raw: object, where: str = "fields") -> Model[S, A]:
        """Return the model with the fields ``raw``; raise TraceError where they are wrong."""
        made = _made(self.make, raw, where)
        trouble = _trouble(made)
        if trouble:
            raise TraceError(f"{where}.{trouble}")
        return made

    def action(self, raw: Mapping[str, object], where: str) -> A:
        """Return the action that ``raw`` names; raise TraceError where it is none."""
        given = dict(raw)
        name = one_of("an action", f"{where}.action", given.pop("action", None), self.actions)
        return _made(self.actions[name], given, where)

    def plain(self, action: object) -> dict[str, object]:
        """Return ``action`` as ``action()`` reads it; raise TraceError if it is not ours."""
        names = {made: name for name, made in self.actions.items()}
        if type(action) not in names:
            raise TraceError(f"{short(action)} is not an action: one of {', '.join(self.actions)}")
        return {"action": type(action).__name__, **plain_fields(action)}


def _made(made: type[T], raw: object, where: str) -> T:
    result: T = type.__call__(made, **_arguments(made, raw, where))
    return result


def _kind(make: type[Model[S, A]], actions: object) -> Kind[S, A]:
    return Kind(make, {each.__name__: each for each in get_args(actions)})


FUTURE: Final[Kind[future_model.FutureState, future_actions.Action]] = _kind(
    future_model.FutureModel, future_actions.Action
)
WAITING: Final[Kind[waiting_model.WaitingState, waiting_model.Action]] = _kind(
    waiting_model.WaitingModel, waiting_model.Action
)
THREAD_POOL: Final[Kind[thread_pool.ThreadPoolState, thread_pool_actions.Action]] = _kind(
    thread_pool.ThreadPoolModel, thread_pool_actions.Action
)
PROCESS_POOL: Final[Kind[process_pool_state.ProcessPoolState, process_pool_actions.Action]] = _kind(
    process_pool.ProcessPoolModel, process_pool_actions.Action
)
MAP: Final[Kind[map_model.MapState, map_model.Action]] = _kind(map_model.MapModel, map_model.Action)


AnyKind: TypeAlias = (
    Kind[future_model.FutureState, future_actions.Action]
    | Kind[waiting_model.WaitingState, waiting_model.Action]
    | Kind[thread_pool.ThreadPoolState, thread_pool_actions.Action]
    | Kind[process_pool_state.ProcessPoolState, process_pool_actions.Action]
    | Kind[map_model.MapState, map_model.Action]
)


def kind_of(model: object) -> AnyKind:
    """Return the kind that ``model`` is; raise TraceError if it is none of ours."""
    for kind in (FUTURE, WAITING, THREAD_POOL, PROCESS_POOL, MAP):
        if isinstance(model, kind.make):
            return kind
    raise TraceError(f"{short(model)} cannot be recorded: a model of foregone_spec is wanted")


_TYPES: Final[dict[type[object], Mapping[str, object]]] = {}


def field_types(make: type[object]) -> Mapping[str, object]:
    """Return the types of the fields of a model or an action, in order."""
    if make not in _TYPES:
        hints = get_type_hints(make)
        _TYPES[make] = {name: hints[name] for name in _fields(make)}
    return _TYPES[make]


def plain_fields(value: object) -> dict[str, object]:
    """Return the fields of a model or an action as JSON has them."""
    return {name: _plain(getattr(value, name)) for name in _fields(type(value))}


def plain_value(raw: object, where: str, depth: int = 0) -> Value:
    """Return ``raw`` as the value of a variable; raise TraceError where it is none."""
    if isinstance(raw, bool | int | str):
        return raw
    if not _is_list(raw):
        raise TraceError(f"{where} is {short(raw)}: a boolean, integer, string or list is wanted")
    if depth == DEPTH_LIMIT:
        raise TraceError(f"{where} is nested too deeply: {DEPTH_LIMIT} lists in lists are allowed")
    return tuple(plain_value(each, f"{where}[{n}]", depth + 1) for n, each in enumerate(raw))


def one_of(what: str, where: str, found: object, allowed: Collection[str]) -> str:
    """Return ``found`` if it is ``allowed``; raise TraceError if not."""
    if isinstance(found, str) and found in allowed:
        return found
    raise TraceError(f"{where} is {short(found)}, which is not {what}: one of {', '.join(allowed)}")


def mapping(raw: object, where: str) -> Mapping[str, object]:
    """Return ``raw`` if it is a JSON object; raise TraceError if not."""
    if _is_object(raw):
        return raw
    raise TraceError(f'{where} is {short(raw)}: an object is wanted, {{"name": value, ...}}')


def sequence(raw: object, where: str) -> list[object]:
    """Return ``raw`` if it is a JSON list; raise TraceError if not."""
    if _is_list(raw):
        return raw
    raise TraceError(f"{where} is {short(raw)}: a list is wanted")


def short(found: object) -> str:
    """Return ``found`` as it can be shown in one line, whatever is in it."""
    text = json.dumps(found, default=repr)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _is_list(raw: object) -> TypeGuard[list[object]]:
    return isinstance(raw, list)


def _is_object(raw: object) -> TypeGuard[dict[str, object]]:
    return isinstance(raw, dict)


def _is_tuple(value: object) -> TypeGuard[tuple[object, ...]]:
    return isinstance(value, tuple)


def _fields(make: object) -> "Mapping[str, Field[object]]":
    found: Mapping[str, Field[object]] = getattr(make, "__dataclass_fields__", {})
    return found


def _plain(value: object) -> object:
    if _is_tuple(value):
        return [_plain(each) for each in value]
    return value.value if isinstance(value, Enum) else value


def _arguments(make: type[object], raw: object, where: str) -> dict[str, object]:
    given, types = mapping(raw, where), field_types(make)
    for each in given:
        if each not in types:
            allowed = f"{make.__name__} has {', '.join(types) or 'no fields'}"
            raise TraceError(f"{where} has an unknown field {short(each)}: {allowed}")
    for each, spec in _fields(make).items():
        if each not in given and spec.default is MISSING:
            raise TraceError(f"{where}.{each} is missing: {make.__name__} has {', '.join(types)}")
    return {each: _typed(types[each], raw, f"{where}.{each}") for each, raw in given.items()}


def _typed(wanted: object, raw: object, where: str) -> object:
    if get_origin(wanted) is tuple:
        items = sequence(raw, where)
        if len(items) > BOUND:
            raise TraceError(f"{where} has {len(items)} items: {BOUND} are allowed")
        item = get_args(wanted)[0]
        return tuple(_typed(item, each, f"{where}[{n}]") for n, each in enumerate(items))
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        members = {each.value: each for each in wanted}
        return members[one_of(f"a {wanted.__name__}", where, raw, members)]
    if type(raw) is not wanted:
        words = {bool: "true or false", int: "an integer", str: "a string"}
        expected = next((text for each, text in words.items() if each is wanted), "another value")
        raise TraceError(f"{where} is {short(raw)}: {expected} is wanted")
    if isinstance(raw, int) and not 0 <= raw <= BOUND:
        raise TraceError(f"{where} is {short(raw)}: a number from 0 to {BOUND} is wanted")
    return raw


def _trouble(model: object) -> str:
    match model:
        case thread_pool.ThreadPoolModel(threads=0):
            return "threads is 0: at least 1 is wanted"
        case process_pool.ProcessPoolModel():
            return _process_pool_trouble(model)
        case map_model.MapModel(buffersize=0):
            return "buffersize is 0: at least 1 is wanted"
        case map_model.MapModel(items=items, fails_at=place) if place > items:
            return f"fails_at is {place}: one of the {items} items is wanted, or 0 for none"
        case waiting_model.WaitingModel():
            return _waiting_trouble(model)
        case _:
            return ""


def _process_pool_trouble(model: process_pool.ProcessPoolModel) -> str:
    for name in ("processes", "overtake", "early_limit"):
        if getattr(model, name) == 0:
            return f"{name} is 0: at least 1 is wanted"
    if model.capacity < model.processes:
        places = f"a place for each of {model.processes} processes is wanted"
        return f"capacity is {model.capacity}: {places}"
    return ""


def _waiting_trouble(model: waiting_model.WaitingModel) -> str:
    if len(model.asks) != len(model.names):
        return f"names has {len(model.names)} items: one for each of {len(model.asks)} asks"
    for place, asks in enumerate(model.asks):
        if asks not in ASKS:
            return f"asks[{place}] is {short(asks)}: one of {', '.join(ASKS)}"
    for place, names in enumerate(model.names):
        if not names or not all(1 <= each <= model.futures for each in names):
            return f"names[{place}] is {short(names)}: some of the futures 1 to {model.futures}"
    return ""
