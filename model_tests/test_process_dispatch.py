"""Which call goes where, decision by decision: ``dispatch.py`` over lanes that take all."""

from collections.abc import Callable, Sequence
from typing import NoReturn, cast

import pytest

from foregone.process_pool import answers, dispatch, wire
from foregone.process_pool.call_queue import CallQueue
from foregone.process_pool.ports import Process, System
from foregone.process_pool.rooms import Pool
from foregone.process_pool.tickets import notice
from foregone.process_pool.wire import DEPTH
from foregone.process_pool.work_items import AnyCall, Call, ChunkCall
from foregone_spec.work_item import Place


class Ticket:
    def __init__(self) -> None:
        self.value = 1

    def acquire(self, block: bool = True) -> bool:
        assert not block
        there, self.value = self.value, 0
        return bool(there)

    def release(self) -> None:
        assert not self.value
        self.value = 1

    def _get_value(self) -> int:
        return self.value


class Lane:
    """All that a queue asks of its process: it claims when the test says so."""

    lane = watch = pid = 0
    read = readv = None
    write: Callable[[int, Sequence[bytes]], int]

    def __init__(self) -> None:
        self.tickets = [Ticket() for _ in range(DEPTH)]
        self.claimed = 0
        self.killed = False

    def kill(self) -> None:
        self.killed = True

    def claim(self) -> None:
        """Claim the next frame, or drop it."""
        self.tickets[self.claimed % DEPTH].value = 0
        self.claimed += 1


class Nothing:
    forks = False

    def __getattr__(self, name: str) -> NoReturn:
        raise AssertionError(name)


class Table:
    """A pool with lanes and calls in them, nobody working."""

    def __init__(self, lanes: int, overtaken: int = 1000) -> None:
        self.pool = Pool(lanes, cast("System", Nothing()))
        self.pool.overtaken = self.pool.horizon = overtaken
        self.lanes = [Lane() for _ in range(lanes)]
        self.queues = [CallQueue(cast("Process", each), -1) for each in self.lanes]
        self.pool.queues = tuple(self.queues)
        self.pool.room = DEPTH * lanes
        self.pool.alive = lanes
        self.calls: list[AnyCall] = []

    def wait(self, count: int) -> None:
        """Let so many more calls wait."""
        for _ in range(count):
            call: AnyCall = Call(self.pool, (b"x",), 1)
            call._number = len(self.calls)
            self.calls.append(call)
            self.pool.waiting.append(call)

    def held(self) -> list[list[int]]:
        """Return the calls that are in slots and not known to be claimed, lane by lane."""
        return [[each._number for each in dispatch.unclaimed(queue)] for queue in self.queues]

    def queued(self) -> list[int]:
        return [each._number for each in (*self.pool.recalled, *self.pool.waiting)]


def filled(loads: Sequence[int], waiting: int = 0) -> Table:
    """Return a table with so many calls in each lane."""
    table = Table(len(loads))
    for queue, count in zip(table.queues, loads, strict=True):
        table.wait(count)
        for _ in range(count):
            assert table.pool.offer(queue)
    table.wait(waiting)
    return table


# ---------------------------------------------------------------------------- refill


@pytest.mark.parametrize(
    ("loads", "waiting", "after"),
    [
        ([0, 0], 6, [[0, 1, 2], [3, 4, 5]]),
        ([3, 0], 3, [[0, 1, 2], [3, 4, 5]]),
        ([0, 4], 3, [[4, 5, 6], [0, 1, 2, 3]]),
        ([2, 1, 0], 1, [[0, 1], [2], [3]]),
        ([5, 0], 2, [[0, 1, 2, 3, 4], [5, 6]]),
        ([0], 3, [[0, 1, 2]]),
    ],
)
def test_calls_are_spread_evenly(loads: list[int], waiting: int, after: list[list[int]]) -> None:
    table = filled(loads, waiting)
    dispatch.refill(table.pool)
    assert table.held() == after
    assert table.queued() == []


@pytest.mark.parametrize(
    ("loads", "more", "height"),
    [
        ([0, 0], 6, 3),
        ([0, 4], 3, 3),
        ([1, 1], 2, 2),
        ([1, 1], 3, 3),
        ([0, 2, 9], 2, 2),
        ([0, 2, 9], 7, 5),
        ([0, 2, 3], 20, 9),
        ([5], 0, 5),
    ],
)
def test_how_full_lanes_become(loads: list[int], more: int, height: int) -> None:
    """As water rises: first in the lowest, which the fuller ones do not take part in."""
    assert dispatch.level(loads, more) == height


def test_what_has_no_room_waits() -> None:
    table = filled([DEPTH - 1, DEPTH - 2], 10)
    dispatch.refill(table.pool)
    assert [len(each) for each in table.held()] == [DEPTH, DEPTH]
    assert len(table.queued()) == 7
    assert table.pool.room == 0
    dispatch.refill(table.pool)
    assert len(table.queued()) == 7


def test_a_lane_that_stands_is_offered_nothing() -> None:
    table = filled([1, 1], 4)
    table.queues[0].stands = True
    dispatch.refill(table.pool)
    assert table.held() == [[0], [1, 2, 3, 4, 5]]


def test_without_lanes_nothing_is_done() -> None:
    table = Table(0)
    table.wait(2)
    dispatch.refill(table.pool)
    assert table.queued() == [0, 1]


# -------------------------------------------------------------------------- overtaking


def test_no_call_is_overtaken_by_more_than_so_many() -> None:
    table = Table(2, overtaken=3)
    table.wait(12)
    dispatch.refill(table.pool)
    assert table.held() == [[0, 1, 2, 3], []]  # number 3 is the last that may pass number 0
    assert table.pool.horizon == 3
    table.lanes[0].claim()
    dispatch.refill(table.pool)
    assert table.pool.horizon == 4
    assert table.held() == [[1, 2, 3], [4]]
    assert table.calls[0]._place is Place.CLAIMED


def test_the_horizon_never_goes_back() -> None:
    table = Table(1, overtaken=3)
    table.wait(5)
    dispatch.refill(table.pool)
    assert not dispatch.advance(table.pool)
    table.pool.horizon = 100
    assert not dispatch.advance(table.pool)
    assert table.pool.horizon == 100


def test_the_oldest_of_what_waits() -> None:
    table = filled([2], 2)
    assert dispatch.next_number(table.pool) == 2
    assert dispatch.recall(table.pool, dispatch.unclaimed(table.queues[0])) == 2
    assert dispatch.next_number(table.pool) == 0
    assert table.queued() == [0, 1, 2, 3]
    assert dispatch.next_number(Table(1).pool) is None


# ------------------------------------------------------------------------------ recall


def test_what_is_claimed_is_not_recalled() -> None:
    table = filled([4])
    table.lanes[0].claim()
    assert dispatch.recall(table.pool, table.calls) == 3
    assert table.queued() == [1, 2, 3]
    assert table.calls[0]._place is Place.CLAIMED


def test_at_most_so_many_are_recalled_oldest_first() -> None:
    table = filled([5])
    table.lanes[0].claim()
    assert dispatch.recall(table.pool, table.calls, 2) == 2
    assert table.queued() == [1, 2]


def test_what_comes_back_is_in_the_order_of_acceptance() -> None:
    table = filled([2, 2])
    assert dispatch.recall(table.pool, dispatch.unclaimed(table.queues[1])) == 2
    assert dispatch.recall(table.pool, dispatch.unclaimed(table.queues[0])) == 2
    assert table.queued() == [0, 1, 2, 3]
    dispatch.arrange(table.pool)
    assert table.queued() == [0, 1, 2, 3]


# ------------------------------------------------------------------------------- steal


def test_who_has_nothing_gets_half() -> None:
    table = filled([9, 0])
    table.lanes[0].claim()
    assert notice(table.pool, table.calls[0])
    assert dispatch.steal(table.pool) is True
    assert table.queued() == [1, 2, 3, 4]
    assert dispatch.steal(table.pool) is False  # they are to be offered first
    dispatch.refill(table.pool)
    assert table.held()[1] == [1, 2, 3, 4]
    assert dispatch.steal(table.pool) is False


def test_the_call_that_is_next_is_left_to_its_process() -> None:
    table = filled([1, 0])
    assert dispatch.spare(table.pool, table.queues[0]) == []
    assert dispatch.steal(table.pool) is False
    table = filled([3, 0])
    assert dispatch.spare(table.pool, table.queues[0]) == table.calls[1:]
    assert dispatch.steal(table.pool) is True
    assert table.queued() == [1]


def test_unless_its_process_runs_another() -> None:
    table = filled([3, 0])
    table.lanes[0].claim()
    assert dispatch.spare(table.pool, table.queues[0]) == table.calls[1:]  # it looks
    assert dispatch.runs(table.queues[0])
    assert dispatch.spare(table.pool, table.queues[0]) == table.calls[1:]
    assert dispatch.steal(table.pool) is True
    assert table.queued() == [1]


def test_it_takes_from_another_if_the_longest_has_nothing_to_spare() -> None:
    table = filled([4, 3, 0])
    for _ in range(4):
        table.lanes[0].claim()
    for call in table.calls[:4]:
        assert notice(table.pool, call)
    assert dispatch.steal(table.pool) is True
    assert table.queued() == [5]


def test_who_may_run_no_more_gets_nothing() -> None:
    table = filled([4, 0])
    table.queues[1].left = 0
    assert dispatch.steal(table.pool) is False
    table = filled([4, 0])
    table.queues[1].ended = True
    assert dispatch.steal(table.pool) is False


# -------------------------------------------------------------------------------- look


def test_what_stands_is_taken_back_at_the_second_look() -> None:
    table = filled([3, 1])
    for queue in table.queues:
        queue.ready = True
    table.lanes[0].claim()
    assert dispatch.look(table.pool) is False
    table.queues[1].head += 1  # it has answered
    table.queues[1].ring = [None] * DEPTH
    assert dispatch.look(table.pool) is True
    assert table.queues[0].stands
    assert table.queued() == [1, 2]
    assert table.calls[0]._place is Place.CLAIMED


def test_where_all_stand_nothing_is_taken_back() -> None:
    table = filled([3, 3])
    for queue in table.queues:
        queue.ready = True
    for _ in range(3):
        assert dispatch.look(table.pool) is False
    assert [each.stands for each in table.queues] == [True, True]
    assert table.queued() == []


def test_what_is_not_known_to_be_claimed_is_watched() -> None:
    table = filled([1])
    assert dispatch.unsure(table.pool)
    table.lanes[0].claim()
    assert notice(table.pool, table.calls[0])
    assert not dispatch.unsure(table.pool)
    assert not dispatch.recall(table.pool, table.calls)
    assert table.calls[0]._place is Place.CLAIMED


def test_what_waits_for_the_horizon_is_looked_at_again() -> None:
    """Those before it may be cancelled, and no process need say anything of that."""
    table = Table(2, overtaken=1)
    table.wait(3)
    dispatch.refill(table.pool)
    assert table.queued() == [2]
    assert table.calls[0].cancel()
    assert table.calls[1].cancel()
    assert dispatch.unsure(table.pool)
    dispatch.refill(table.pool)
    assert table.queued() == []
    assert not table.calls[2].done()


# ------------------------------------------------------------------------------- lacking


def test_a_process_is_lacking_where_there_is_more_work_than_processes() -> None:
    table = filled([1, 0], 1)
    table.pool.limit = 3
    assert not dispatch.lacking(table.pool)  # two calls, two processes
    table.wait(1)
    assert dispatch.lacking(table.pool)
    table.pool.limit = 2
    assert not dispatch.lacking(table.pool)
    table.pool.limit, table.pool.grows = 3, False
    assert not dispatch.lacking(table.pool)
    table.pool.grows = True
    table.pool.shatter()
    assert not dispatch.lacking(table.pool)


def test_who_will_be_buried_soon_counts_as_a_process() -> None:
    """Until then there would be one more than there may be; one that was told to end is left."""
    table = filled([0, 0], 3)
    (_, queue), table.pool.alive = table.queues, 1
    queue.ended = True
    assert not dispatch.lacking(table.pool)
    table.pool.limit = 3
    assert dispatch.lacking(table.pool)
    table.pool.limit, queue.told = 2, True
    assert dispatch.lacking(table.pool)


def test_what_is_sent_to_who_has_ended_is_no_work() -> None:
    table = filled([0, 2], 1)
    table.pool.limit, table.pool.alive = 4, 1
    assert dispatch.lacking(table.pool)
    table.queues[1].ended = True
    assert not dispatch.lacking(table.pool)


# --------------------------------------------------------------------------- answers


@pytest.mark.parametrize("kind", [wire.PART, wire.PARTS, wire.PART_RAISED])
def test_who_answers_a_part_of_what_it_has_not_claimed_is_killed(kind: int) -> None:
    """And what it says is not looked at: it is no pickle."""
    table = filled([0])
    call = ChunkCall(table.pool, (b"x",), 1)
    table.pool.waiting.append(call)
    assert table.pool.offer(table.queues[0])
    answers.answer(table.pool.worker, table.queues[0], (kind, 0, 0, b"", ()))
    assert table.queues[0].ended
    assert table.lanes[0].killed
    assert call.parts == []
    assert call._place is Place.IN_SLOT


@pytest.mark.parametrize("kind", [wire.PART, wire.PARTS, wire.PART_RAISED])
@pytest.mark.parametrize("told", [False, True])
def test_who_answers_a_part_of_what_has_none_is_killed(kind: int, told: bool) -> None:
    """Also if it was told to end: then that it ends breaks nothing."""
    table = filled([1])
    table.queues[0].told = told
    table.lanes[0].claim()
    answers.answer(table.pool.worker, table.queues[0], (kind, 0, 0, b"", ()))
    assert table.queues[0].ended
    assert table.lanes[0].killed
    assert table.queues[0].told is told
    assert not table.calls[0].done()


# ------------------------------------------------------------------------------ submit


def test_who_submits_sends_where_there_is_room() -> None:
    """The call crosses no thread on its way out: nobody wakes the local worker."""
    table = Table(1)
    written: list[bytes] = []

    def write(fd: int, pieces: Sequence[bytes]) -> int:
        written.extend(pieces)
        return sum(map(len, pieces))

    table.lanes[0].write = write
    table.pool.begun = table.pool.worker.ticking = True
    call = table.pool.submit(abs, (-1,), {})
    assert written == list(call._frames)
    assert written
    assert call._place is Place.IN_SLOT
