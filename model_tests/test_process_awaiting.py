"""How a process waits for its next call: awake for a moment, where that is likely to do."""

import os
import socket
from collections.abc import Iterator
from itertools import pairwise

import pytest

from foregone.process_pool import awaiting as module
from foregone.process_pool.awaiting import LINGER, SOON, Awaiting


class Time:
    """Time that passes as a test says: so much with each look at the clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.each_look = 0.0
        self.looks = 0

    def perf_counter(self) -> float:
        self.looks += 1
        self.now += self.each_look
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(module, "time", made)
    monkeypatch.setattr(module, "SEVERAL", True)
    return made


@pytest.fixture
def lane() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def waits(awaiting: Awaiting, time: Time, seconds: float, frames: int = 1) -> None:
    """Wait, asleep, for so long, and get so many frames."""
    awaiting.linger()
    time.now += seconds
    awaiting.over(frames)


def test_who_was_sent_one_call_soon_looks_for_the_next(
    time: Time, lane: tuple[socket.socket, socket.socket]
) -> None:
    awaiting = Awaiting(lane[0].fileno())
    waits(awaiting, time, SOON / 2)
    assert awaiting.brisk
    lane[1].send(b"x")
    time.each_look, before = LINGER / 10, time.looks
    awaiting.linger()
    assert time.looks == before + 1  # it was there at the first look
    awaiting.over(1)
    assert awaiting.brisk


def test_once_it_was_in_vain_it_sleeps_at_once(
    time: Time, lane: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it looks for LINGER at most, giving way each time."""
    yields: list[float] = []
    monkeypatch.setattr(os, "sched_yield", lambda: yields.append(time.now))
    awaiting = Awaiting(lane[0].fileno())
    waits(awaiting, time, SOON / 2)
    time.each_look = LINGER / 8
    began = time.now
    awaiting.linger()
    assert LINGER <= time.now - began <= LINGER * 5 / 4
    assert len(yields) >= 7
    assert all(one < other for one, other in pairwise(yields))
    time.each_look = 0.0
    time.now += SOON / 4  # woken soon after: but it had slept
    awaiting.over(1)
    assert not awaiting.brisk
    looks = time.looks
    awaiting.linger()
    assert time.looks == looks + 1


@pytest.mark.parametrize(("seconds", "frames"), [(SOON * 2, 1), (SOON / 2, 2), (SOON / 2, 0)])
def test_who_is_sent_many_or_seldom_any_sleeps(
    seconds: float, frames: int, time: Time, lane: tuple[socket.socket, socket.socket]
) -> None:
    awaiting = Awaiting(lane[0].fileno())
    waits(awaiting, time, seconds, frames)
    assert not awaiting.brisk


def test_where_there_is_one_processor_nobody_lingers(
    time: Time, lane: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEVERAL", False)
    awaiting = Awaiting(lane[0].fileno())
    waits(awaiting, time, SOON / 2)
    assert not awaiting.brisk
