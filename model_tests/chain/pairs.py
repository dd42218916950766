"""The pairs of the chain: a Python model and the same model in ``tla/``.

A model's fields are the constants of its module.  TLC's configuration files know
no sequences, so the constants of a pair are written as definitions in a module
that extends the good one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final, TypeAlias, final

from foregone_spec.future_model import FutureModel
from foregone_spec.lifecycle import Request
from foregone_spec.map_model import MapModel
from foregone_spec.model import tla_text
from foregone_spec.process_death import Policy
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.thread_pool import ThreadPoolModel
from foregone_spec.waiting import Ending
from foregone_spec.waiting_model import WaitingModel
from model_tests.chain.command import BUILD
from model_tests.chain.tlc import Config

AnyModel: TypeAlias = FutureModel | WaitingModel | ThreadPoolModel | ProcessPoolModel | MapModel


@final
@dataclass(frozen=True, slots=True)
class Pair:
    """One bound at which the two graphs are to be equal."""

    bound: str  # in a few words
    model: AnyModel


_SHUTDOWN, _CANCELLING, _EXIT = Request.SHUTDOWN, Request.SHUTDOWN_CANCEL_FUTURES, Request.EXIT
_BOTH: Final = (_SHUTDOWN, _CANCELLING)
_REPLACE: Final = Policy.REPLACE
_OK, _FAILED, _ = Ending

PAIRS: Final = (
    Pair("bare, 1 of each", FutureModel(False, resolvers=1)),
    Pair("owned, 1 of each, 3 callbacks", FutureModel(True, resolvers=1, callbacks=3)),
    Pair("bare, 2 cancel, 2 callbacks", FutureModel(False, 2, 1, callbacks=2)),
    Pair("first of 2 futures, 3 endings", WaitingModel(2, ("FIRST_COMPLETED",), ((1, 2),))),
    Pair("all of 2 futures, 3 endings", WaitingModel(2, ("ALL_COMPLETED",), ((1, 2),))),
    Pair("as_completed, one named twice", WaitingModel(2, ("AS_COMPLETED",), ((1, 2, 1),))),
    Pair(
        "3 callers of 1 future",
        WaitingModel(
            1, ("FIRST_COMPLETED", "AS_COMPLETED", "ALL_COMPLETED"), ((1,), (1,), (1,)), (_OK,)
        ),
    ),
    Pair(
        "2 callers, 2 futures crosswise",
        WaitingModel(2, ("AS_COMPLETED", "ALL_COMPLETED"), ((1, 2), (2, 1)), (_OK,)),
    ),
    Pair(
        "first exception, 2 of 2 endings",
        WaitingModel(2, ("FIRST_EXCEPTION", "FIRST_EXCEPTION"), ((1, 2), (2,)), (_OK, _FAILED)),
    ),
    Pair("2 calls, 2 threads", ThreadPoolModel(2, 2)),
    Pair("3 calls, 1 thread, cancelling", ThreadPoolModel(3, 1, (_CANCELLING, _SHUTDOWN))),
    Pair(
        "2 calls, 2 threads, all may fail",
        ThreadPoolModel(2, 2, (_SHUTDOWN, _CANCELLING), True, True, True),
    ),
    Pair(
        "3 calls, 2 threads, all may fail",
        ThreadPoolModel(3, 2, (_SHUTDOWN, _CANCELLING), True, True, True),
    ),
    Pair("2 calls, 2 threads, the interpreter exits", ThreadPoolModel(2, 2, (_EXIT, _CANCELLING))),
    Pair("2 calls, 2 processes, a death breaks", ProcessPoolModel(2, 2, 2, (_CANCELLING,), 1)),
    Pair(
        "2 calls, 1 process, all may fail",
        ProcessPoolModel(2, 1, 1, _BOTH, 2, _REPLACE, 2, 1, 2, False, True, True, True, True),
    ),
    Pair(
        "2 calls, 1 process, the interpreter exits",
        ProcessPoolModel(2, 1, 1, (_EXIT, _SHUTDOWN), 1, _REPLACE),
    ),
    Pair("3 items, buffer of 2", MapModel(3, 2)),
    Pair("4 items, buffer of 3, input raises", MapModel(4, 3, fails_at=4)),
    Pair("5 items, buffer of 3", MapModel(5, 3)),
)

#: The same at larger bounds, now and then.
WIDER: Final = (
    Pair("owned, 2 of each, 1 resolves", FutureModel(True, 2, 1, 2, 2, 2)),
    Pair(
        "3 calls, 2 processes, one is replaced",
        ProcessPoolModel(3, 2, 2, (), 1, _REPLACE, overtake=1, collects=True),
    ),
)

#: What only the explorer does, on Python's side alone: larger bounds.
LARGER: Final = (
    Pair("owned, 3 cancel, 2 of each", FutureModel(True, 3, 1, 2, 2, 2)),
    Pair("bare, 2 cancel, 1 resolves, 3 callbacks", FutureModel(False, 2, 1, 2, 1, 3)),
    Pair(
        "2 callers, 2 futures, 2 endings",
        WaitingModel(2, ("ALL_COMPLETED", "FIRST_EXCEPTION"), ((1, 2), (2, 1)), (_OK, _FAILED)),
    ),
    Pair("as_completed of 3 futures", WaitingModel(3, ("AS_COMPLETED",), ((1, 2, 3),))),
    Pair(
        "3 calls, 3 threads, all may fail",
        ThreadPoolModel(3, 3, (_SHUTDOWN, _CANCELLING), True, True, True),
    ),
    Pair("4 calls, 2 threads", ThreadPoolModel(4, 2, (_SHUTDOWN, _CANCELLING))),
    Pair(
        "3 calls, 2 processes that retire",
        ProcessPoolModel(3, 2, 2, (_SHUTDOWN,), 1, _REPLACE, max_tasks=1),
    ),
    Pair(
        "2 calls, 2 processes, all may fail",
        ProcessPoolModel(2, 2, 2, _BOTH, 1, _REPLACE, 2, 1, 2, False, True, True, True, True),
    ),
    Pair("6 items, buffer of 4", MapModel(6, 4)),
)


def constants(model: AnyModel) -> Mapping[str, str]:
    """Return the constants of the module of ``model``, as TLA+ text."""
    match model:
        case FutureModel():
            return {
                "Owned": tla_text(model.owned),
                "Cancellers": tla_text(model.cancellers),
                "Resolvers": tla_text(model.resolvers),
                "Results": tla_text(model.results),
                "Waits": tla_text(model.waits),
                "Callbacks": tla_text(model.callbacks),
            }
        case WaitingModel():
            endings = ", ".join(tla_text(each.value) for each in model.endings)
            return {
                "Futures": tla_text(model.futures),
                "Asks": tla_text(model.asks),
                "Names": tla_text(model.names),
                "Endings": f"{{{endings}}}",
            }
        case ThreadPoolModel():
            return {
                "Calls": tla_text(model.calls),
                "Threads": tla_text(model.threads),
                "Closers": tla_text(_values(model.closers)),
                "InitializerMayFail": tla_text(model.initializer_fails),
                "StartMayFail": tla_text(model.start_fails),
                "MayBeCollected": tla_text(model.collects),
            }
        case ProcessPoolModel():
            return {
                "Calls": tla_text(model.calls),
                "Processes": tla_text(model.processes),
                "CallQueueSize": tla_text(model.capacity),
                "Closers": tla_text(_values(model.closers)),
                "Deaths": tla_text(model.deaths),
                "Policy": tla_text(model.policy.value),
                "Overtake": tla_text(model.overtake),
                "MaxTasks": tla_text(model.max_tasks),
                "EarlyLimit": tla_text(model.early_limit),
                "Eager": tla_text(model.eager),
                "InitializerMayFail": tla_text(model.initializer_fails),
                "StartMayFail": tla_text(model.start_fails),
                "MayBeUnpicklable": tla_text(model.unpicklable),
                "MayBeCollected": tla_text(model.collects),
            }
        case MapModel():
            return {
                "Items": tla_text(model.items),
                "BufferSize": tla_text(model.buffersize),
                "FailsAt": tla_text(model.fails_at),
            }


def _values(members: tuple[Enum, ...]) -> tuple[str, ...]:
    return tuple(str(each.value) for each in members)


def write_bounds(name: str, model: AnyModel) -> Config:
    """Write the module ``name`` with the bounds of ``model``, and its configuration."""
    folder: Path = BUILD / "bounds"
    folder.mkdir(parents=True, exist_ok=True)
    given = constants(model)
    definitions = "".join(f"Given{key} == {text}\n" for key, text in given.items())
    head = f"---- MODULE {name} ----\nEXTENDS {model.name}\n"
    (folder / f"{name}.tla").write_text(f"{head}{definitions}====\n", encoding="utf-8")
    path = folder / f"{name}.cfg"
    substitutions = "".join(f"  {key} <- Given{key}\n" for key in given)
    path.write_text(f"SPECIFICATION Spec\nCONSTANTS\n{substitutions}", encoding="utf-8")
    return Config(path, name, "the graph of the good module", (), ())
