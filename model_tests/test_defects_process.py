"""What seeded defects of the process pool have shown to be unwatched, each under what finds it.

Threads that come in between are not needed: who comes in the middle does so where a lock
is taken, once, in this thread.
"""

import os
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, cast, final

import pytest

from foregone import interpreter_exit
from foregone.process_pool import answers, burial, dispatch, process, tickets, wire
from foregone.process_pool.call_queue import CallQueue
from foregone.process_pool.callbacks import Callbacks
from foregone.process_pool.poller import SystemPoller
from foregone.process_pool.ports import Process, System
from foregone.process_pool.rooms import Pool
from foregone.process_pool.tickets import notice, take
from foregone.process_pool.work_items import AnyCall, Call
from foregone.registry import Registry
from foregone.sync import Lock
from foregone_spec.lifecycle import Request
from foregone_spec.process_death import EARLY_LIMIT, Death
from foregone_spec.work_item import Event, Place
from model_tests.test_process_dispatch import Lane, Table, filled


@final
class Meanwhile:
    """A lock; before it is taken for the first time, somebody else does something."""

    def __init__(self, lock: Lock, act: Callable[[], object]) -> None:
        self.lock = lock
        self.act: Callable[[], object] | None = act

    def __enter__(self) -> bool:
        act, self.act = self.act, None
        if act is not None:
            act()
        return self.lock.__enter__()

    def __exit__(self, *_: object) -> None:
        self.lock.__exit__(None, None, None)


class Clock:
    """All that a pool asks of a system before anything is started."""

    forks = False

    def now(self) -> float:
        return 0.0


# ---------------------------------------------------------------------- Work Ids


def recalled(*numbers: int) -> Table:
    """Return a table with calls that were taken back in this order, and two lanes."""
    table = filled([len(numbers), 0])
    for number in numbers:
        assert take(table.pool, table.calls[number], Event.RECALL)
    return table


def test_what_is_offered_while_work_ids_are_put_in_order_is_not_put_back() -> None:
    """(1) The worker sorts a copy; (2) who submits offers the first; (3) it stays offered."""
    table = recalled(2, 1, 0)
    table.pool.lock = Meanwhile(table.pool.lock, lambda: table.pool.offer(table.queues[1]))
    dispatch.arrange(table.pool)
    assert table.held() == [[], [2]]
    assert table.queued() == [0, 1]


def test_a_look_at_a_slot_says_nothing_of_a_call_that_has_moved() -> None:
    """(1) The ticket of slot 0 is to be read; (2) its call moves to slot 1; (3) it does not run."""
    table = filled([1])
    (queue,), (call,) = table.queues, table.calls

    def moves() -> None:
        assert take(table.pool, call, Event.RECALL)
        assert table.pool.offer(queue)

    table.pool.lock = Meanwhile(table.pool.lock, moves)
    assert not notice(table.pool, call)
    assert (call._place, call._serial) == (Place.IN_SLOT, 1)
    assert not call.running()
    assert call.cancel()


def test_a_ticket_that_is_won_gives_the_task_back() -> None:
    """A process may run two calls; one of two in its slots is cancelled: it may be sent another."""
    table = filled([2])
    (queue,) = table.queues
    queue.left = 0
    assert take(table.pool, table.calls[1], Event.CANCEL)
    table.wait(1)
    assert table.pool.offer(queue)
    assert queue.left == 0


# ------------------------------------------------------------------------- lanes


def test_a_frame_of_more_parts_than_the_kernel_takes_at_once() -> None:
    """A call to a process, and the answer: what the one writes, the other reads."""
    parts = [bytes([number % 256]) for number in range(1_100)]
    frame = wire.frame(wire.CALL, b"x", [memoryview(each) for each in parts])
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        lane = Lane()
        lane.lane, lane.write = ours.fileno(), os.writev
        queue = CallQueue(cast("Process", lane), -1)
        queue.outbox += frame
        queue.flush(Table(0).pool.lock)
        assert queue.batch is None
        wire.write_all(ours.fileno(), frame)
        theirs.setblocking(False)
        reader = wire.Reader(theirs.fileno())
        came: list[wire.Frame] = []
        while len(came) < 2:
            came += reader.read()
    for _, _, _, data, buffers in came:
        assert (data, [bytes(each) for each in buffers]) == (b"x", parts)
    assert os.sysconf("SC_IOV_MAX") >= wire.VECTOR


def test_who_wakes_does_not_write_to_a_line_that_was_closed() -> None:
    """(1) Somebody wakes; (2) the poller is closed, its number given to a file of the user's."""
    poller = SystemPoller()
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    number = poller._outer.fileno()

    def closes() -> None:
        poller.close()
        os.dup2(writing, number)

    poller._lock = Meanwhile(poller._lock, closes)
    try:
        poller.wake()
        with pytest.raises(BlockingIOError):
            os.read(reading, 100)
    finally:
        for each in (reading, writing, number):
            os.close(each)


# --------------------------------------------------------------------- callbacks


@final
class Emptied(deque[AnyCall]):
    """The queue of the callbacks thread; when it is first found empty, something happens."""

    act: Callable[[], object] | None = None

    def __bool__(self) -> bool:
        there = len(self) > 0
        if not there and self.act is not None:
            act, self.act = self.act, None
            act()
        return there


def test_what_is_added_last_is_run_though_the_end_comes_with_it() -> None:
    """(1) The thread finds nothing; (2) a call is added, and the end said; (3) it looks again."""
    ran: list[object] = []
    call: AnyCall = Call(Table(0).pool, (), 0)
    call.add_done_callback(ran.append)
    callbacks = Callbacks(cast("System", Clock()), "callbacks")
    callbacks.thread = threading.current_thread()
    queue = Emptied()
    callbacks._queue = queue

    def ends() -> None:
        callbacks.add(call)
        callbacks.end()

    queue.act = ends
    callbacks._run()
    assert ran == [call]


# ------------------------------------------------------------------------ Ctrl-C


def test_ctrl_c_stops_what_was_sent_to_an_idle_process_and_not_read() -> None:
    """(1) It waits for a call; (2) one is sent; (3) Ctrl-C comes first: it is not claimed (M21)."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        interrupts = process.Interrupts(theirs.fileno())
        interrupts.idle = True
        interrupts(signal.SIGINT, None)
        assert not interrupts.pausing  # there is nothing that could be claimed
        ours.send(b"a call")
        interrupts(signal.SIGINT, None)
        assert interrupts.pausing


# ------------------------------------------------------------------------ deaths


def test_a_process_that_is_ready_forgives_those_that_were_not() -> None:
    """So often as makes a pool break, but between two of them one is ready."""
    table = Table(1)
    worker, (queue,) = table.pool.worker, table.queues
    lane = cast("Any", table.lanes[0])
    lane.started = lambda: None
    for _ in range(EARLY_LIMIT + 1):
        queue.ready = False
        assert burial._death(worker, queue, []) is Death.EARLY
        answers.answer(worker, queue, (wire.READY, 0, 0, b"", ()))
        assert queue.ready


def test_the_room_of_a_process_that_ends_is_what_was_free() -> None:
    table = filled([3, 0])
    before = table.pool.room
    tickets.close(table.pool, table.queues[0])
    assert before - table.pool.room == wire.DEPTH - 3
    assert table.pool.room == wire.DEPTH


# -------------------------------------------------------------------- the end


def test_in_a_forked_child_no_copy_of_a_call_is_left_open() -> None:
    """Not of one that waits, is in a slot, was taken back, or is known to run."""
    table = filled([3, 0], waiting=1)
    table.lanes[0].claim()
    assert notice(table.pool, table.calls[0])
    assert take(table.pool, table.calls[2], Event.RECALL)
    places = [each._place for each in table.calls]
    assert places == [Place.CLAIMED, Place.IN_SLOT, Place.RECALLED, Place.WAITING]
    ran: list[object] = []
    for each in table.calls:
        each.add_done_callback(ran.append)
    table.pool.forked()
    for each in table.calls:
        with pytest.raises(RuntimeError, match=r"when os\.fork\(\) made this process"):
            each.result(0)
    assert not ran  # callbacks are the parent's


@pytest.mark.parametrize("asked", [Request.SHUTDOWN, Request.EXIT], ids=lambda each: each.value)
def test_what_a_map_has_drawn_is_submitted_before_the_pool_refuses(asked: Request) -> None:
    pool = Pool(1, cast("System", Clock()))
    flushed: list[bool] = []

    class Drawing:
        def flush(self) -> None:
            flushed.append(pool.accepts())

    drawing = Drawing()
    pool.maps.add(drawing)
    pool.ask(asked)
    assert flushed == [True]
    assert not pool.accepts()


def test_all_pools_are_asked_to_end_before_one_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A call of the first may submit to the second until then, and not after."""
    said: list[str] = []

    class Ending:
        def ask(self, request: Request) -> None:
            assert interpreter_exit.begun()
            said.append(request.value)

        def join(self) -> None:
            said.append("joined")

    pools: Registry[interpreter_exit.Ending] = Registry()
    both = Ending(), Ending()
    for each in both:
        pools.add(each)
    monkeypatch.setattr(interpreter_exit, "pools", pools)
    monkeypatch.setattr(interpreter_exit, "_began", False)
    interpreter_exit._at_exit()
    assert said == [Request.EXIT.value] * 2 + ["joined"] * 2
