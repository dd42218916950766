"""The process in which scenarios are played, one after the other.

    python -m model_tests.chaos.run [--subject NAME] [--limit SECONDS] NAME ...

For each it says that it begins and how it ended, one JSON object a line.  One that does
not end in time is ended with this process: all stacks, the processes' too, go to
stderr, and the exit code is HUNG.
"""

import argparse
import faulthandler
import gc
import json
import logging
import multiprocessing.forkserver
import multiprocessing.resource_tracker
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, TextIO, cast

from model_tests import process_world as world
from model_tests.chaos import subjects
from model_tests.chaos.judge import Judge
from model_tests.chaos.play import Play
from model_tests.chaos.records import WORD
from model_tests.chaos.scenario import Scenario, read
from model_tests.process_calls import House

HUNG: Final = 70
LIMIT: Final = 60.0  # seconds for a scenario


def settle(method: str) -> None:
    """See to it that what multiprocessing starts once, and keeps, is there."""
    tracker = cast("Any", multiprocessing.resource_tracker)
    server = cast("Any", multiprocessing.forkserver)
    tracker.ensure_running()
    if method == "forkserver":
        server.ensure_running()


@contextmanager
def no_longer_than(limit: float) -> Iterator[None]:
    """End this process, with all stacks printed, if what is inside takes too long."""
    over = threading.Event()

    def watch() -> None:
        if over.wait(limit):
            return
        for pid in world.marked(os.environ.get(WORD, "?")):
            world.send(pid, signal.SIGUSR2)  # who has no handler for it ends; no matter now
        over.wait(0.5)
        faulthandler.dump_traceback(all_threads=True)
        os._exit(HUNG)

    faulthandler.dump_traceback_later(limit + 5, exit=True)  # should no thread of ours run
    thread = threading.Thread(target=watch, name="chaos watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        faulthandler.cancel_dump_traceback_later()


def left(before: dict[str, Any], method: str) -> Iterator[str]:
    """Yield what a scenario has left behind, once there was time for it to go."""
    settle(method)
    gc.collect()
    word = os.environ.get(WORD, "")
    if word and not world.until(lambda: not (world.marked(word) - world.helpers()), 5):
        yield f"processes are left: {world.marked(word) - world.helpers()}"
    for name, now in (("shared memory", world.shared), ("descriptors", world.descriptors)):
        if world.until(lambda: not now() - before[name], 3) is False:  # noqa: B023  # at once
            yield f"{name} are left: {dict(now() - before[name])}"
    if not world.until(lambda: not set(threading.enumerate()) - before["threads"], 3):
        yield f"threads are left: {set(threading.enumerate()) - before['threads']}"
    if found := world.own_names() + (world.names(word) if word else []):
        yield f"names of semaphores are left: {found}"


def play(scenario: Scenario, subject: str, place: Path) -> dict[str, object]:
    """Play a scenario; return what is wrong, and how much was done."""
    settle(scenario.method)
    before: dict[str, Any] = {
        "shared memory": world.shared(),
        "threads": set(threading.enumerate()),
    }
    for name in ("house", "over"):
        (place / name).mkdir(parents=True)
    before["descriptors"] = world.descriptors()
    house, over = House(place / "house"), House(place / "over")
    played = Play(scenario, subject, house, over)
    played.play()
    judge = Judge(played)
    complaints = list(judge.complaints())
    outcomes = [_outcome(each.future) for each in played.records]
    counts = {
        "calls": len(played.records) + sum(each.length for each in played.maps),
        "cancelled": outcomes.count("cancelled"),
        "blamed": sum(judge.blamed.values()),
        "killed": len(judge.doomed),
    }
    del played, judge
    word = os.environ.get(WORD, "")
    world.until(lambda: not (world.marked(word) - world.helpers()), 5)  # they stand at a gate
    house.close()
    over.close()
    complaints += left(before, scenario.method)
    return {"name": scenario.name, "complaints": complaints, "counts": counts}


def _outcome(future: subjects.Executor) -> str:
    if future is None:
        return "refused"
    return "cancelled" if future.cancelled() else "ended"


def main(arguments: Sequence[str], out: TextIO) -> None:
    """Play the scenarios that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m model_tests.chaos.run")
    parser.add_argument("--subject", choices=subjects.SUBJECTS, default=subjects.OURS)
    parser.add_argument("--limit", type=float, default=LIMIT)
    parser.add_argument("name", nargs="+")
    asked = parser.parse_args(arguments)
    if WORD not in os.environ:
        parser.error(f"set {WORD} to a word that no other process has in its environment")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.disable(logging.CRITICAL)  # callbacks raise here
    world.set_prefix(os.environ.get(WORD, f"chaos{os.getpid()}"))
    with tempfile.TemporaryDirectory() as place:
        _warm()
        for number, name in enumerate(asked.name):
            print(json.dumps({"begins": name}), file=out, flush=True)
            began = time.perf_counter()
            with no_longer_than(asked.limit):
                said = play(read(name), asked.subject, Path(place) / str(number))
            said["seconds"] = round(time.perf_counter() - began, 3)
            print(json.dumps(said), file=out, flush=True)


def _warm() -> None:
    """Import and open what is imported and opened once."""
    settle("forkserver")
    executor = subjects.make(subjects.OURS, read("0"), get_context("spawn"))
    executor.submit(int).result()
    executor.shutdown()


if __name__ == "__main__":
    main(sys.argv[1:], sys.stdout)
