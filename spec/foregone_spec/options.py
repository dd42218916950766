"""The models that can be asked for at the command line, and an option for each of their fields."""

import argparse
from collections.abc import Mapping
from typing import Final, get_origin

from foregone_spec.kinds import (
    FUTURE,
    MAP,
    PROCESS_POOL,
    THREAD_POOL,
    WAITING,
    AnyKind,
    field_types,
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


def model_options(parser: argparse.ArgumentParser, kind: AnyKind, *, as_json: bool = True) -> None:
    """Add an option for each field of a model."""
    for name, wanted in field_types(kind.make).items():
        option = f"--{name.replace('_', '-')}"
        if wanted is bool:
            parser.add_argument(option, action=argparse.BooleanOptionalAction, dest=name)
        elif wanted is int:
            parser.add_argument(option, type=int, dest=name, metavar="N")
        elif get_origin(wanted) is None:
            parser.add_argument(option, dest=name, metavar="WORD")
        elif get_origin(wanted) is tuple and name == "names":
            parser.add_argument(option, type=_numbers, nargs="*", dest=name, metavar="N,N")
        else:
            parser.add_argument(option, nargs="*", dest=name, metavar="WORD")
    if as_json:
        parser.add_argument("--json", action="store_true")


def _numbers(text: str) -> list[int]:
    try:
        return [int(each) for each in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not numbers, as in 1,2") from None
