"""The models that can be asked for at the command line, and an option for each of their fields."""

import argparse
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final, cast, get_args, get_origin

from foregone_spec.kinds import (
    ASKS,
    FUTURE,
    MAP,
    PROCESS_POOL,
    THREAD_POOL,
    WAITING,
    AnyKind,
    field_types,
    plain_fields,
)

KINDS: Final[Mapping[str, AnyKind]] = {
    "future": FUTURE,
    "waiting": WAITING,
    "thread-pool": THREAD_POOL,
    "process-pool": PROCESS_POOL,
    "map": MAP,
}

_DEFAULTS: Final[Mapping[str, Mapping[str, object]]] = {
    "future": {"owned": True},
    "waiting": {"futures": 2, "asks": ["ALL_COMPLETED"], "names": [[1, 2]]},
    "thread-pool": {"calls": 2, "threads": 2},
    "process-pool": {"calls": 2, "processes": 1, "capacity": 1},
    "map": {"items": 3, "buffersize": 2},
}


def fields_of(args: argparse.Namespace) -> Mapping[str, object]:
    """Return the fields of the model that is asked for: those given, and defaults."""
    given = {
        name: getattr(args, name)
        for name in field_types(KINDS[args.model].make)
        if getattr(args, name) is not None
    }
    fields = {**_DEFAULTS[args.model], **given}
    if "processes" in given and "capacity" not in given:  # the least that a Call Q may have
        fields["capacity"] = given["processes"]
    return fields


#: What each field is.
_MEANS: Final[Mapping[str, str]] = {
    "owned": "the future is an executor's",
    "cancellers": "how many call cancel()",
    "resolvers": "how many third parties set a result",
    "results": "how many call result()",
    "waits": "how many call wait()",
    "callbacks": "how many callbacks are added",
    "futures": "how many futures",
    "asks": "what each caller asks",
    "names": "the futures that each caller names, as in 1,2",
    "endings": "how a future may end",
    "calls": "how many calls may be submitted",
    "threads": "how many threads",
    "processes": "how many processes",
    "capacity": "places in the Call Q, one for each process or more",
    "closers": "what each caller of shutdown asks",
    "deaths": "how many processes may die",
    "policy": "what a death does to the pool",
    "overtake": "by how many later calls a call may be overtaken",
    "max_tasks": "after how many calls a process retires; 0, never",
    "early_limit": "after how many deaths before a process was ready the pool breaks",
    "eager": "all processes start with the first call, as under fork",
    "initializer_fails": "the initializer may raise",
    "start_fails": "the system may refuse a thread or a process",
    "unpicklable": "a call may not pickle",
    "collects": "the executor may be collected",
    "items": "how many items the input has",
    "buffersize": "how many calls may be ahead of the results",
    "fails_at": "at which item the input raises; 0, at none",
}


def model_options(parser: argparse.ArgumentParser, kind: AnyKind) -> None:
    """Add an option for each field of a model, and ``--json``."""
    defaults = _defaults(kind)
    for name, wanted in field_types(kind.make).items():
        option, help_ = f"--{name.replace('_', '-')}", f"{_MEANS[name]} ({defaults[name]})"
        of = get_args(wanted)[0] if get_origin(wanted) is tuple else wanted
        if allowed := _allowed(name, of):
            help_ = f"{_MEANS[name]}: {', '.join(allowed)} ({defaults[name]})"
        if wanted is bool:
            action = argparse.BooleanOptionalAction
            parser.add_argument(option, action=action, dest=name, help=help_)
        elif wanted is int:
            parser.add_argument(option, type=int, dest=name, metavar="N", help=help_)
        elif get_origin(wanted) is None:
            parser.add_argument(option, dest=name, metavar="WORD", help=help_)
        elif name == "names":
            parser.add_argument(
                option, type=_numbers, nargs="*", dest=name, metavar="N,N", help=help_
            )
        else:
            parser.add_argument(option, nargs="*", dest=name, metavar="WORD", help=help_)
    json_option(parser)


def json_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="as JSON, for a program")


def _allowed(name: str, wanted: object) -> Sequence[str]:
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return [str(each.value) for each in wanted]
    return ASKS if name == "asks" else ()


def _defaults(kind: AnyKind) -> Mapping[str, str]:
    """Return what each field is if nothing is said, as it is typed."""
    name = next(name for name, each in KINDS.items() if each is kind)
    fields = plain_fields(kind.model(_DEFAULTS[name]))
    return {each: _typed(found) for each, found in fields.items()}


def _typed(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, list):
        return str(value)
    items = cast("list[object]", value)
    return " ".join(",".join(map(str, cast("list[object]", each))) if isinstance(each, list)
                    else str(each) for each in items)  # fmt: skip


def _numbers(text: str) -> list[int]:
    try:
        return [int(each) for each in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not numbers, as in 1,2") from None
