"""Play one scenario: do its steps to a pool, and write down all that comes of it.

What is written down: for each call whether it was accepted, who cancelled it, whether it
was seen running, how often its callback came; for each process which signals it was
sent.  Nothing here judges.
"""

import gc
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from multiprocessing import get_context
from random import Random
from typing import Any, Final

import foregone
from model_tests import process_world as world
from model_tests.chaos import kinds, subjects
from model_tests.chaos.records import WORD, Mapped, Record
from model_tests.chaos.scenario import Scenario, Step
from model_tests.process_calls import House, stack_on_signal

#: How long a process may stand still, in seconds.
STILL: Final = 0.06
LETHAL: Final = ("SIGKILL", "SIGSEGV", "SIGTERM")
#: A storm kills no more than so many processes that have not claimed anything.
UNREADY: Final = 2


class Play:
    """A scenario on its way."""

    def __init__(self, scenario: Scenario, subject: str, house: House, over: House) -> None:
        self.scenario = scenario
        self.house = house
        self.over = over
        self.places = kinds.Places(house.log, house.gate, over.gate)
        self.coin = Random(scenario.seed)
        self.records: list[Record] = []
        self.maps: list[Mapped] = []
        self.signals: dict[int, list[str]] = {}  # what each process was sent
        self.asked: set[str] = set()  # which kinds of an end were asked for
        self.trouble: list[str] = []  # what was seen at once to be wrong
        self.threads: list[threading.Thread] = []
        self.over_now = threading.Event()
        self.numbers = iter(range(1, 10**9))
        self.lock = threading.Lock()
        context = get_context(scenario.method)
        initializer = stack_on_signal if scenario.initializer else None
        self.executor: Any = subjects.make(subject, scenario, context, initializer)

    # ------------------------------------------------------------------- all of it

    def play(self) -> None:
        """Do everything, to the end of the pool and of all that was started here."""
        self.thread(self.sweep)
        try:
            for step in self.scenario.steps:
                with suppress(SystemExit):  # of a callback that this thread has run
                    getattr(self, f"do_{step.name.replace(' ', '_')}")(step)
            self.house.open()
            self.end()
        finally:
            self.over_now.set()
            self.over.open()
        for each in self.threads:
            each.join()

    def end(self) -> None:
        """End the pool in the way that the scenario has drawn."""
        match self.scenario.ending:
            case "with" if self.executor is not None:
                with self.executor:
                    pass
            case "cancel":
                self.shut_down(cancel=True)
            case "drop":
                self.do_shutdown(Step("shutdown", "drop"))
            case "twice":
                self.shut_down(wait=False)
            case "terminate" | "kill" as word:
                self.do_shutdown(Step("shutdown", word))
            case _:
                pass
        if self.executor is not None:
            self.shut_down()
        # A pool that was dropped ends by itself, when all that is pending has run.  Between
        # two processes that may run so many calls only, there is none for a moment.
        world.until(self.over_and_told, 600)

    def over_and_told(self) -> bool:
        """Say whether everything that was accepted has ended, and no process is left."""
        return all(each.called for each in self.accepted()) and not world.pool_processes()

    def accepted(self) -> list[Record]:
        """Return the calls that were accepted."""
        return [each for each in self.records if each.future is not None]

    def thread(self, target: Callable[[], object]) -> None:
        """Do something beside."""
        made = threading.Thread(target=target, name=f"chaos {getattr(target, '__name__', '')}")
        self.threads.append(made)
        made.start()

    def sweep(self) -> None:
        """Let every process go on that has stood still for a while."""
        still: set[int] = set()
        while not self.over_now.wait(STILL):
            mine = world.marked(os.environ.get(WORD, "?"))  # whoever their parent is by now
            found = {pid for pid in mine if world.state(pid) == "T"}
            for pid in found & still:
                world.send(pid, signal.SIGCONT)
            still = found

    # ----------------------------------------------------------------------- calls

    def submit(self, kind: str, much: int = 0, size: int = 0) -> Record:
        """Submit a call of a kind."""
        with self.lock:
            record = Record(next(self.numbers), kind, size)
            self.records.append(record)
        executor = self.executor
        fn, arguments = kinds.make(kind, self.places, record.number, much, size)
        try:
            if executor is None:
                raise RuntimeError("dropped")
            future = executor.submit(fn, *arguments)
        except (RuntimeError, CancelledError) as error:
            record.refused = error
            return record
        record.future = future

        def count(_: object) -> None:
            record.called += 1

        future.add_done_callback(count)
        return record

    def cancel(self, record: Record) -> None:
        """Cancel a call; what it says of itself must fit."""
        if record.future is None:
            return
        if record.future.running():
            record.seen_running = True
        try:
            done = record.future.cancel()
        except SystemExit:  # of a callback that this thread has run
            done = True
        if done:
            record.cancelled += 1
            if record.seen_running:
                record.wrong.append("it ran, and was cancelled")
            if not record.future.cancelled() or not record.future.done():
                record.wrong.append("cancel() said True, and it is not cancelled")
        elif record.cancelled:
            record.wrong.append("cancel() said True, and then False")

    def shut_down(self, wait: bool = True, cancel: bool = False) -> None:
        """Shut the pool down."""
        if cancel:
            self.asked.add("cancel")
        self.asked.add("shutdown")
        if wait:
            self.house.open()
        if self.executor is None:
            return
        try:
            self.executor.shutdown(wait=wait, cancel_futures=cancel)
        except SystemExit:  # of a callback that this thread has run
            self.executor.shutdown(wait=wait)

    def some(self, word: str, number: int) -> list[Record]:
        """Return the calls that a step means."""
        found = self.accepted()
        if not found:
            return []
        match word:
            case "newest":
                return found[-1:]
            case "some":
                return found[number % 7 :: 3]
            case _:
                return [found[number % len(found)]]

    # ----------------------------------------------------------------------- steps

    def do_submit(self, step: Step) -> None:
        """Submit one call."""
        self.submit(step.word, step.number, step.size)

    def do_flood(self, step: Step) -> None:
        """Submit many calls."""
        for _ in range(step.number):
            self.submit(step.word)

    def do_callback(self, step: Step) -> None:
        """Submit a call with a callback that does more."""
        record = self.submit("value" if step.number % 4 else "naps", step.number)
        if record.future is not None:
            record.future.add_done_callback(lambda _: self.call_back(step, record))

    def call_back(self, step: Step, record: Record) -> None:
        """Be a callback."""
        match step.word:
            case "submits":
                self.submit("value")
            case "cancels":
                for each in self.some("some", step.number):
                    self.cancel(each)
            case "shuts down" if step.number % 5 == 0:
                with suppress(RuntimeError):
                    self.shut_down(wait=bool(step.number % 2), cancel=step.number % 10 == 0)
            case "blocks":
                self.over_now.wait(step.number / 100)
            case "raises":
                raise kinds.Boom("in a callback")
            case "leaves":
                raise SystemExit("in a callback")
            case _:
                if not record.future.done() or record.future.running():
                    record.wrong.append("its callback came before its end")

    def do_cancel(self, step: Step) -> None:
        """Cancel calls."""
        for each in self.some(step.word, step.number):
            self.cancel(each)

    def do_look(self, step: Step) -> None:
        """Look whether calls run."""
        for each in self.some(step.word, step.number):
            if each.future.running():
                each.seen_running = True
                if each.cancelled:
                    each.wrong.append("it was cancelled, and runs")

    def do_wait(self, step: Step) -> None:
        """Wait for calls, for a while here, or to the end beside."""
        futures = [each.future for each in self.accepted()]
        seconds = step.number / 1_000
        match step.word:
            case "ALL":
                foregone.wait(futures, seconds)
            case "FIRST":
                foregone.wait(futures, seconds, foregone.FIRST_COMPLETED)
            case "iterate":
                self.thread(lambda: list(foregone.as_completed(futures)))
            case _:
                self.thread(lambda: foregone.wait(futures))

    def do_map(self, step: Step) -> None:
        """Map, and read the results beside."""
        fatal = step.number - 2 if step.number and step.number % 2 else -1
        with self.lock:
            taken = [next(self.numbers) for _ in range(step.number)]
        first = taken[0] if taken else 0
        mapped = Mapped(first, step.number, fatal, step.word)
        self.maps.append(mapped)
        chunksize = None if step.word == "None" else int(step.word)
        call = partial(kinds.item_that_dies, self.house.log, first, fatal)
        try:
            if self.executor is None:
                raise RuntimeError("dropped")
            found = self.executor.map(call, range(step.number), chunksize=chunksize)
        except RuntimeError:
            mapped.refused = True
            return

        def read() -> None:
            try:
                mapped.got.extend(found)
            except BaseException as error:
                mapped.error = error

        self.thread(read)

    def do_pause(self, step: Step) -> None:
        """Do nothing for a while."""
        threading.Event().wait(step.number / 1_000)

    def do_signal(self, step: Step) -> None:
        """Send a signal to a process of the pool."""
        self.shoot(step.word, step.number)

    def shoot(self, name: str, number: int) -> None:
        """Send a signal to some process of the pool, and write it down first."""
        busy = {pid for _, pid in self.house.where()}
        pids = sorted(world.pool_processes())
        lethal = name in LETHAL
        if lethal:
            unready = sum(pid not in busy for pid in self.signals)
            pids = [pid for pid in pids if pid in busy or unready < UNREADY]
        if pids:
            pid = pids[number % len(pids)]
            with self.lock:
                self.signals.setdefault(pid, []).append(name)
            world.send(pid, getattr(signal, name))

    def do_storm(self, step: Step) -> None:
        """Send signals from a thread of its own, for a while."""
        words = ("SIGKILL", "SIGSTOP") if step.word == "both" else (step.word,)
        coin = Random(step.number)

        def storm() -> None:
            for _ in range(coin.randrange(1, 8)):
                if self.over_now.wait(coin.random() * 0.03):
                    return
                self.shoot(coin.choice(words), coin.randrange(1_000))

        self.thread(storm)

    def do_server(self, _: Step) -> None:
        """Kill the forkserver."""
        pid = world.forkserver()
        if pid is not None:
            self.asked.add("server")
            world.send(pid, signal.SIGKILL)

    def do_shutdown(self, step: Step) -> None:
        """Ask for an end, in one of all ways."""
        match step.word:
            case "wait":
                self.shut_down()
            case "terminate" | "kill" as word:
                end = getattr(self.executor, f"{word}_workers", None)
                if end is not None:
                    self.asked |= {"cancel", "shutdown", "end"}
                    end()
            case "drop":
                self.asked.add("shutdown")
                self.house.open()
                self.executor = None
                gc.collect()
            case word:
                self.shut_down(wait=False, cancel=word == "cancel")

    def do_parent_forks(self, _: Step) -> None:
        """Fork this process: the copy of the pool refuses, and is let go."""
        child = os.fork()
        if child == 0:
            code = 1
            try:
                if self.executor is not None:
                    self.executor.submit(int)
            except RuntimeError:
                code = 0
            finally:
                os._exit(code if self.executor is not None else 0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code:
            self.trouble.append("the copy in a forked child accepts a call")
