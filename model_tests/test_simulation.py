"""The simulated process pool: it does no wrong, its processes are like real ones, and it finds."""

import mmap
import os
import socket
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregone.process_pool import awaiting, outcomes, ports, process, wire
from foregone.process_pool.work_items import packed, packed_chunk
from model_tests.simulation.child import Child, Outcome, Waits
from model_tests.simulation.choices import Choices, shrunk
from model_tests.simulation.mutants import Hunted, Mutant, hunt, mutants
from model_tests.simulation.runs import failure, patched, run
from model_tests.simulation.sampling import judged, sampled


def test_a_few_hundred_runs_do_no_wrong() -> None:
    done = sampled(range(1_000_000, 1_000_300))
    assert done.failure is None, str(done.failure)
    assert done.deaths > 20
    assert done.accepted + done.unmodelled == done.runs == 300
    assert done.accepted > 250


@given(st.lists(st.integers(0, 200), max_size=300))
def test_no_list_of_choices_does_wrong(choices: list[int]) -> None:
    with patched():
        world, wrong = run(Choices(given=choices))
        assert wrong is None, str(failure(0, world.choices.made, least=False))
        judged(world)


@pytest.mark.parametrize("seed", [1, 22, 333])
def test_a_run_is_repeated_from_its_choices(seed: int) -> None:
    with patched():
        choices = Choices(seed)
        story: list[str] = []
        run(choices, story)
        again: list[str] = []
        run(Choices(given=choices.made), again)
    assert story == again
    assert len(story) > 10


def test_a_list_of_choices_is_shrunk() -> None:
    made = [5, 0, 9, 3, 7, 7, 1, 2]
    assert shrunk(made, lambda each: 7 in each and 9 in each) in ([9, 7], [9, 7, 7])


# --------------------------------------------------------------- seeded defects


@pytest.mark.parametrize(
    ("module", "what"),
    [
        ("tickets", "not 'won'"),
        ("tickets", "without 'queue.left += 1'"),
        ("dispatch", "without 'came += recall(pool, calls)'"),
    ],
)
def test_a_seeded_defect_is_found(module: str, what: str) -> None:
    mutant = next(each for each in mutants(module) if each.what == what)
    found: Hunted = hunt(mutant)
    assert found.found, str(mutant)


def test_without_a_defect_nothing_is_found() -> None:
    nothing = hunt(Mutant("none", 0, "", 0, ""), "100")
    assert (nothing.found, nothing.runs) == ("", 100)


# ------------------------------------------ the simulated process and the real one


@dataclass
class Surroundings:
    """What a simulated process has to do with: a lane that takes all, tickets."""

    data: bytes
    tickets: list[bool]
    out: bytearray

    def read_child(self, count: int) -> bytes:
        read, self.data = self.data[:count], self.data[count:]
        return read

    def put(self, data: memoryview) -> int:
        self.out += data[:7]
        return min(7, len(data))

    def claim(self, serial: int) -> bool:
        return self.tickets[serial]

    def refuses(self) -> bool:
        return False

    def refused(self) -> None: ...
    def ready(self) -> None: ...
    def begins(self, tag: int) -> Outcome:
        return Outcome.VALUE

    def ends(self, tag: int, outcome: Outcome) -> None: ...
    def answered(self, tag: int) -> None: ...
    def is_time(self) -> bool:
        return False


@dataclass
class Lane:
    """A descriptor, as a connection."""

    number: int

    def fileno(self) -> int:
        return self.number


@dataclass
class Ticket:
    """A ticket that is there or not."""

    there: bool

    def acquire(self, block: bool = True) -> bool:
        return self.there


def identity(tag: int, *_: object) -> int:
    return tag


def really(data: bytes, tickets: list[bool], max_tasks: int | None) -> bytes:
    """Return what the real loop answers to some frames."""
    ours, theirs = socket.socketpair()
    server = object.__new__(process._Server)
    job: Any = type("Job", (), {"max_tasks": max_tasks, "initializer": None, "reducer": None})
    server.job = job
    server.lane = theirs.fileno()
    server.reader = wire.Reader(server.lane)
    server.interrupts = process.Interrupts(server.lane)
    server.awaiting = awaiting.Awaiting(server.lane)
    server.tickets = cast("list[ports.Ticket]", [Ticket(each) for each in tickets])
    server.frames, server.dropped = deque(), []
    server.log = mmap.mmap(-1, outcomes.LOG)
    server.serial = server.ran = 0
    server.doing = ""
    got = bytearray()

    def reads() -> None:
        while part := ours.recv(4096):
            got.extend(part)

    reader = threading.Thread(target=reads)
    reader.start()
    os.write(ours.fileno(), data)
    ours.shutdown(socket.SHUT_WR)
    try:
        server.serve()
    finally:
        theirs.close()
        reader.join()
        ours.close()
        server.log.close()
    return bytes(got)


def simulated(data: bytes, tickets: list[bool], max_tasks: int | None) -> bytes:
    """Return what the simulated loop answers to the same."""
    around = Surroundings(data, tickets, bytearray())
    child = Child(around, max_tasks)
    for waits in child.code:
        assert waits in (Waits.NOTHING, Waits.ROOM, Waits.DATA)
    return bytes(around.out)


def frames(data: bytes) -> Iterator[tuple[object, ...]]:
    """Yield frames, without what depends on the clock."""
    reader = wire.Reader(0, lambda *_: data, lambda *_: 0)
    for kind, flags, serial, body, buffers in reader.read():
        if kind == wire.PARTS:  # when they travel depends on the clock
            yield from ((wire.PART, serial, repr(each)) for each in outcomes.several(body)[0])
            continue
        timed = kind == wire.RESULT and len(body) == wire.SECONDS.size
        yield kind, flags, serial, b"" if timed else bytes(body), len(buffers)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=wire.DEPTH),
    st.sampled_from([None, 1, 2]),
)
def test_a_simulated_process_answers_as_a_real_one(
    calls: list[tuple[bool, int]], max_tasks: int | None
) -> None:
    data = b""
    for number, (_, items) in enumerate(calls):
        if items:
            chunk: list[tuple[object, ...]] = [(number * 10 + n, number) for n in range(items)]
            made = packed_chunk(identity, chunk, None)
        else:
            made = packed(identity, (number, b""), {}, None)
        data += b"".join(made[0])
    tickets = [each for each, _ in calls]
    told, real = simulated(data, tickets, max_tasks), really(data, tickets, max_tasks)
    assert list(frames(told)) == list(frames(real))
