"""The log of a chunk's outcomes: in every form, whatever is cut off, nothing is lost or twice."""

import math
import mmap
import os
import pickle
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from typing import Final, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregone import ProcessPoolExecutor
from foregone.process import ProcessDied
from foregone.process_pool import outcomes, process, wire
from foregone.process_pool.outcomes import HEAD, LOG, Outcomes, Raised, missing, several
from model_tests import process_calls as calls
from model_tests.process_calls import House
from model_tests.process_world import PATIENCE

#: Outcomes that have places, that ``marshal`` writes, that only pickle can, and large ones.
VALUES: Final = st.one_of(
    st.integers(),
    st.floats(allow_nan=False),
    st.none(),
    st.booleans(),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.sampled_from([2**63 - 1, 2**63, -(2**63), 10**400, 10**4000, "\ud800", "é" * 1000]),
    st.sampled_from([b"x" * 1023, b"x" * 1024, "x" * 100_000, b"x" * 100_000]),
    st.tuples(st.integers(), st.none()),
    st.lists(st.integers(), max_size=2),
    st.sampled_from([(b"",), calls.value, 1j]),
)


class Cut(BaseException):
    """The process is killed."""


class Dying(Outcomes):
    """Of a process that dies in place of an item that raises: nothing more is written."""

    __slots__ = ()

    def _raised(self, count: int, error: BaseException, doing: str) -> int:
        raise Cut from error


@contextmanager
def lane() -> Iterator[tuple[int, Callable[[], list[wire.Frame]]]]:
    """Yield where a process writes, and what returns the frames that came, once it is through."""
    ours, theirs = socket.socketpair()
    got = bytearray()

    def read() -> None:
        while part := ours.recv(1 << 16):
            got.extend(part)

    def frames() -> list[wire.Frame]:
        theirs.close()
        thread.join()
        source = [bytes(got)] if got else []
        reader = wire.Reader(0, lambda *_: source.pop(), lambda *_: 0)
        return reader.read() if source else []

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield theirs.fileno(), frames
    finally:
        theirs.close()
        thread.join()
        ours.close()


def plain(found: list[object]) -> list[object]:
    """Return outcomes as the parent takes them."""
    return [pickle.loads(each[0]) if isinstance(each, tuple) else each for each in found]


def told(frames: list[wire.Frame]) -> list[object]:
    """Return the outcomes that came in frames."""
    got: list[object] = []
    for kind, _, serial, data, buffers in frames:
        assert serial == 7
        if kind == wire.PARTS:
            found, packed = several(data)
            assert packed == any(isinstance(each, tuple) for each in found)
            got += plain(found)
        else:
            assert kind == wire.PART
            got.append(pickle.loads(data, buffers=buffers))
    return got


def same(one: object, other: object) -> bool:
    """Say whether two outcomes are the same: type, and sign of zero, too."""
    if isinstance(one, float) and isinstance(other, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    return type(one) is type(other) and one == other


@given(st.lists(VALUES, max_size=60), st.integers(0, 70))
def test_what_came_and_what_is_missing_is_all_that_was_done(values: list[object], cut: int) -> None:
    """A process that dies in the item number ``cut`` has lost no outcome before it."""
    begun = 0

    def item(value: object) -> object:
        nonlocal begun
        if begun == cut:
            raise Cut
        begun += 1
        return value

    log = mmap.mmap(-1, LOG)
    with lane() as (fd, frames):
        with suppress(Cut):
            Dying(fd, log, 7, None).run(item, [(each,) for each in values], process.Interrupts(fd))
        came = told(frames())
    found = [*came, *plain(missing(log[:], len(came)))]
    assert len(found) == min(cut, len(values))
    assert all(map(same, found, values))


def test_a_frame_that_was_written_and_not_yet_noted_counts_once() -> None:
    """The process dies between the write and the moving of the base."""
    log = bytearray(LOG)
    HEAD.pack_into(log, 0, 5, 2, outcomes.INTEGERS)
    log[HEAD.size : HEAD.size + 16] = (1).to_bytes(8, "little") + (2).to_bytes(8, "little")
    assert missing(bytes(log), 5) == [1, 2]
    assert missing(bytes(log), 6) == [2]
    assert missing(bytes(log), 7) == []
    assert missing(bytes(log), 4) == []  # that cannot be: then nothing is believed


@pytest.mark.parametrize(
    ("count", "form"),
    [(2**60, outcomes.INTEGERS), (LOG, outcomes.FLOATS), (3, 99), (2**60, outcomes.NONES), (4, 0)],
)
def test_a_log_that_was_damaged_is_not_believed(count: int, form: int) -> None:
    """A process that dies of writing where it should not may have written there."""
    log = bytearray(b"\xff" * LOG)
    HEAD.pack_into(log, 0, 0, count, form)
    assert missing(bytes(log), 0) == []


class Meta(type):
    """Of classes that are asked whether they are equal to others."""

    def __eq__(cls, other: object) -> bool:
        raise AttributeError("asked")

    __hash__ = type.__hash__  # which pickle asks for


class Strange(metaclass=Meta):
    pass


def strange(number: int) -> object:
    return Strange() if number == 3 else number


@pytest.mark.parametrize("chunksize", [6, None])
def test_the_class_of_a_result_is_not_asked_anything(chunksize: int | None) -> None:
    with ProcessPoolExecutor(1, get_context("forkserver")) as executor:
        found = list(executor.map(strange, range(6), chunksize=chunksize))
    assert [type(each).__name__ for each in found] == ["int"] * 3 + ["Strange"] + ["int"] * 2


def test_an_item_that_raised_does_not_travel_as_a_result() -> None:
    with pytest.raises(TypeError, match="cannot be sent as a result"):
        pickle.dumps(Raised(ValueError()))


KINDS: Final[dict[str, Callable[[int], object]]] = {
    "numbers": lambda n: n,
    "floats": lambda n: n / 7,
    "nothing": lambda n: None,
    "texts": str,
    "mixed": lambda n: (n, float(n), None, [n])[n % 4],
}


def of_kind(log: str, kind: str, number: int, dies: int) -> object:
    calls.begin(log, number)
    if number == dies:
        os.kill(os.getpid(), 9)
    return KINDS[kind](number)


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_process_leaves_all_before_the_item_that_ran(kind: str, house: House) -> None:
    with ProcessPoolExecutor(1, get_context("forkserver"), on_process_death="replace") as executor:
        count, dies = 50, 37
        columns = ([house.log] * count, [kind] * count, range(count), [dies] * count)
        results = executor.map(of_kind, *columns, chunksize=count)
        found = [next(results) for _ in range(dies)]
        with pytest.raises(ProcessDied):
            next(results)
        assert found == [KINDS[kind](number) for number in range(dies)]
        assert executor.submit(abs, -1).result(PATIENCE) == 1
    begun = house.begun()  # and perhaps a few that were sent again, until next() has raised
    assert begun[: dies + 1] == list(range(dies + 1))
    assert len(set(begun)) == len(begun)


def test_an_item_that_does_not_pickle_fails_alone() -> None:
    """Its chunk is halved until it is found; what is before it is yielded."""
    items = [1, 2, 3, calls.NoPickle(), 5]
    with ProcessPoolExecutor(1, get_context("forkserver")) as executor:
        results = executor.map(calls.same, items, chunksize=5)
        assert [next(results) for _ in range(3)] == [1, 2, 3]
        with pytest.raises(pickle.PicklingError, match="an apple does not pickle") as raised:
            next(results)
    assert "while pickling the arguments of call model_tests.process_calls.same" in str(
        raised.value.__notes__
    )


class Interrupts:
    """An item during whose pickling Ctrl-C comes."""

    def __reduce__(self) -> NoReturn:
        raise KeyboardInterrupt


def test_ctrl_c_while_a_chunk_is_pickled_is_no_error_of_the_chunk() -> None:
    with ProcessPoolExecutor(1, get_context("forkserver")) as executor:
        with pytest.raises(KeyboardInterrupt):
            executor.map(calls.same, [Interrupts()] * 3, chunksize=3)
        assert list(executor.map(abs, [-1, -2], chunksize=2)) == [1, 2]
