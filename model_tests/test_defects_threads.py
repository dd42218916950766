"""What seeded defects of the thread pool have shown to be unwatched, each under what finds it."""

from threading import get_ident

import pytest

import foregone.pool
from foregone.future import OwnedFuture
from foregone.pool import Pool
from foregone.worker import Worker, WorkItem
from foregone_spec.lifecycle import Request


def item() -> WorkItem:
    return OwnedFuture[int](), abs, (-1,), {}


def test_in_a_forked_child_no_copy_of_a_call_is_left_open() -> None:
    """Neither of one that is queued, nor of one that a thread of the parent runs."""
    pool = Pool(1, "threads", None, ())
    worker = Worker(pool, "of the parent")
    held, queued = item(), item()
    worker.holds = held
    pool.workers.append(worker)
    pool.alive = 1
    pool.queue.append(queued)
    assert held[0].set_running_or_notify_cancel()
    ran: list[object] = []
    for future in (held[0], queued[0]):
        future.add_done_callback(ran.append)
    pool.forked()
    for future in (held[0], queued[0]):
        with pytest.raises(RuntimeError, match=r"when os\.fork\(\) made this process"):
            future.result(0)
    assert not ran  # callbacks are the parent's
    pool.join()


class Gate:
    """A gate that nobody opens: who would wait for it is stopped."""

    closed = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        assert not self.closed, "it waits for itself"
        self.closed = True
        return True


def test_who_discards_does_not_wait_for_himself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A callback of a call that shutdown() cancels asks for shutdown(wait=True)."""
    pool = Pool(1, "threads", None, ())
    monkeypatch.setattr(foregone.pool, "new_gate", Gate)
    queued = item()
    assert get_ident() not in pool.discarding
    ran: list[bool] = []

    def again(_: object) -> None:
        pool.join()
        ran.append(get_ident() in pool.discarding)

    queued[0].add_done_callback(again)
    pool.queue.append(queued)
    pool.ask(Request.SHUTDOWN_CANCEL_FUTURES)
    assert ran == [True]
