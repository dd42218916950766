"""Our futures and executors under asyncio: nothing there knows that they are ours."""

import asyncio
import concurrent.futures
import multiprocessing
import os
import signal
import threading
from typing import Any

import pytest

from foregone import Future, ProcessDied, ProcessPoolExecutor, ThreadPoolExecutor

PATIENCE = 30.0


def test_wrap_future() -> None:
    async def main() -> tuple[int, BaseException | None, bool]:
        with ThreadPoolExecutor(1) as pool:
            good = asyncio.wrap_future(pool.submit(int, "3"))
            bad = asyncio.wrap_future(pool.submit(divmod, 1, 0))
            result = await asyncio.wait_for(good, PATIENCE)
            await asyncio.wait([bad], timeout=PATIENCE)
            made: Future[str] = Future()
            waits = asyncio.wrap_future(made)
            threading.Thread(target=made.set_result, args=("there",)).start()
            return result, bad.exception(), await asyncio.wait_for(waits, PATIENCE) == "there"

    result, error, there = asyncio.run(main())
    assert (result, type(error), there) == (3, ZeroDivisionError, True)


def test_run_in_executor_and_the_default_executor() -> None:
    async def main() -> list[Any]:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, "given") as pool:
            given = await loop.run_in_executor(pool, lambda: threading.current_thread().name)
        loop.set_default_executor(ThreadPoolExecutor(2, "default"))
        default = await loop.run_in_executor(None, lambda: threading.current_thread().name)
        to_thread = await asyncio.to_thread(lambda: threading.current_thread().name)
        many = await asyncio.gather(*(asyncio.to_thread(pow, 2, each) for each in range(20)))
        with pytest.raises(ZeroDivisionError):
            await loop.run_in_executor(None, divmod, 1, 0)
        await loop.shutdown_default_executor()
        with pytest.raises(RuntimeError):
            await loop.run_in_executor(None, int)
        return [given, default, to_thread, many == [2**each for each in range(20)]]

    given, default, to_thread, many = asyncio.run(main())
    assert given == "given_0"
    assert default.startswith("default_")
    assert to_thread.startswith("default_")
    assert many


def test_the_default_executor_is_shut_down_with_the_loop() -> None:
    pool = ThreadPoolExecutor(1)

    async def main() -> threading.Thread:
        asyncio.get_running_loop().set_default_executor(pool)
        return await asyncio.to_thread(threading.current_thread)

    assert not asyncio.run(main()).is_alive()
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(int)


def test_cancelling_there_cancels_here() -> None:
    release = threading.Event()

    async def main(pool: ThreadPoolExecutor) -> tuple[bool, bool]:
        pool.submit(release.wait, PATIENCE)
        queued = pool.submit(int)
        wrapped = asyncio.wrap_future(queued)
        wrapped.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wrapped
        await asyncio.wait([asyncio.wrap_future(one := pool.submit(int))], timeout=0)
        return queued.cancelled(), one.cancel()

    with ThreadPoolExecutor(1) as pool:
        try:
            assert asyncio.run(main(pool)) == (True, True)
        finally:
            release.set()


def test_cancelling_here_cancels_there() -> None:
    release = threading.Event()

    async def main(pool: ThreadPoolExecutor) -> bool:
        pool.submit(release.wait, PATIENCE)
        queued = pool.submit(int)
        wrapped = asyncio.wrap_future(queued)
        threading.Thread(target=queued.cancel).start()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(wrapped, PATIENCE)
        return wrapped.cancelled()

    with ThreadPoolExecutor(1) as pool:
        try:
            assert asyncio.run(main(pool))
        finally:
            release.set()


def test_a_timeout_there_cancels_here() -> None:
    release = threading.Event()

    async def main(pool: ThreadPoolExecutor) -> bool:
        pool.submit(release.wait, PATIENCE)
        queued = pool.submit(int)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(queued), 0.01)
        return queued.cancelled()

    with ThreadPoolExecutor(1) as pool:
        try:
            assert asyncio.run(main(pool))
        finally:
            release.set()


def test_run_coroutine_threadsafe_gives_a_future_that_our_wait_takes() -> None:
    import foregone

    async def there() -> int:
        return 5

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        theirs = asyncio.run_coroutine_threadsafe(there(), loop)
        assert foregone.wait([theirs], PATIENCE).done == {theirs}
        assert theirs.result() == 5
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.mark.parametrize("outcome", ["result", "exception", "cancelled", "pending", "running"])
def test_the_snapshot_that_asyncio_takes_from_3_14_on(outcome: str) -> None:
    """``_get_snapshot()``: done, cancelled, result, exception, at one instant."""
    subject = Future[int]()
    error = KeyError()
    match outcome:
        case "result":
            subject.set_result(3)
        case "exception":
            subject.set_exception(error)
        case "cancelled":
            subject.cancel()
        case "running":
            subject.set_running_or_notify_cancel()
        case _:
            pass
    expected = {
        "result": (True, False, 3, None),
        "exception": (True, False, None, error),
        "cancelled": (True, True, None, None),
    }
    snapshot = getattr(subject, "_get_snapshot")()  # noqa: B009  private, and newer than some
    assert snapshot == expected.get(outcome, (False, False, None, None))
    theirs: concurrent.futures.Future[int] = concurrent.futures.Future()
    if hasattr(theirs, "_get_snapshot"):
        assert theirs._get_snapshot() == (False, False, None, None)


# ---------------------------------------------------------------- the process pool


def served(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("forkserver")
    return ProcessPoolExecutor(workers, context, on_process_death="replace")


def test_calls_run_in_processes_and_the_loop_goes_on() -> None:
    async def main(pool: ProcessPoolExecutor) -> list[int]:
        loop = asyncio.get_running_loop()
        calls = [loop.run_in_executor(pool, pow, 2, each) for each in range(20)]
        with pytest.raises(ZeroDivisionError):
            await loop.run_in_executor(pool, divmod, 1, 0)
        assert await loop.run_in_executor(pool, os.getpid) != os.getpid()
        with pytest.raises(TypeError, match="cannot pickle"):
            await loop.run_in_executor(pool, threading.Lock().acquire)
        return await asyncio.wait_for(asyncio.gather(*calls), PATIENCE)

    with served(2) as pool:
        assert asyncio.run(main(pool)) == [2**each for each in range(20)]


def test_a_death_is_the_error_of_its_call_there_too() -> None:
    async def main(pool: ProcessPoolExecutor) -> int:
        loop = asyncio.get_running_loop()
        with pytest.raises(ProcessDied, match="was ended by SIGKILL") as died:
            await loop.run_in_executor(pool, signal.raise_signal, signal.SIGKILL)
        assert died.value.exit_code == -signal.SIGKILL
        return await loop.run_in_executor(pool, int, "3")

    with served(1) as pool:
        assert asyncio.run(main(pool)) == 3


def test_cancelling_there_takes_a_call_out_of_the_call_queue() -> None:
    """The one process is stopped: what was sent to it is cancelled all the same."""

    async def main(pool: ProcessPoolExecutor) -> list[bool]:
        loop = asyncio.get_running_loop()
        pid = await loop.run_in_executor(pool, os.getpid)
        os.kill(pid, signal.SIGSTOP)
        try:
            queued = [pool.submit(int) for _ in range(3)]
            wrapped = [asyncio.wrap_future(each) for each in queued]
            for each in wrapped:
                each.cancel()
            await asyncio.wait(wrapped, timeout=PATIENCE)
            return [*(each.cancelled() for each in wrapped), *(each.cancelled() for each in queued)]
        finally:
            os.kill(pid, signal.SIGCONT)

    with served(1) as pool:
        assert asyncio.run(main(pool)) == [True] * 6
