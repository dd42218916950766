"""What the documentation promises of calls and of their futures."""

import asyncio
import concurrent.futures
from concurrent.futures import CancelledError, Executor, Future
from typing import Final

from foregone_conformance import calls
from foregone_conformance.calls import MANY, Held
from foregone_conformance.claims import Group, Registry, documented
from foregone_conformance.exhibits.future import until
from foregone_conformance.exhibits.tasks import GRACE
from foregone_conformance.judged import Judged
from foregone_conformance.kinds import Broken, insist

claim: Final = Registry(Group.DOCUMENTED)

SUBMIT: Final = documented("Executor.submit")
RESULT: Final = documented("Future.result")
CANCEL: Final = documented("Future.cancel")
CALLBACK: Final = documented("Future.add_done_callback")


@claim(
    "an-executor",
    "it is a concurrent.futures.Executor, and its futures are concurrent.futures.Future",
    documented("Executor"),
    "isinstance, asyncio and mixed sets of futures do not work with it",
)
def an_executor(judged: Judged) -> None:
    """Look at the classes."""
    with judged.pool() as pool:
        future = pool.submit(int)
        insist(isinstance(pool, Executor), f"{type(pool)} is no Executor")
        insist(isinstance(future, Future), f"{type(future)} is no Future")


@claim(
    "submit-result",
    "result() is what the call returns, with the arguments that submit was given",
    SUBMIT,
    "calls do not do what they were asked",
)
def submit_result(judged: Judged) -> None:
    """Submit calls whose results tell what they were given."""
    with judged.pool() as pool:
        found = pool.submit(calls.echo, 1, "two", three=[3]).result()
        insist(found == ((1, "two"), {"three": [3]}), f"echo(1, 'two', three=[3]) gave {found}")
        powers = [pool.submit(pow, 2, each) for each in range(20)]
        found_powers = [each.result() for each in powers]
        insist(found_powers == [2**each for each in range(20)], f"20 powers gave {found_powers}")


@claim(
    "submit-names",
    "submit(fn, /, *args, **kwargs) passes on arguments that are called fn and self",
    SUBMIT,
    "a function with such a parameter cannot be called",
)
def submit_names(judged: Judged) -> None:
    """Give arguments names that a careless signature has for itself."""
    with judged.pool() as pool:
        try:
            found = pool.submit(calls.echo, fn=1, self=2).result()
        except TypeError as error:
            raise Broken(f"submit(echo, fn=1, self=2) raised TypeError: {error}") from error
    insist(found == ((), {"fn": 1, "self": 2}), f"echo(fn=1, self=2) gave {found}")


@claim(
    "submit-exception",
    "what the call raises is raised by result() and returned by exception()",
    RESULT,
    "errors of calls are lost or changed",
)
def submit_exception(judged: Judged) -> None:
    """Submit a call that raises."""
    with judged.pool() as pool:
        future = pool.submit(calls.fail, "on purpose")
        error = future.exception()
        insist(
            type(error) is ValueError and error.args == ("on purpose",),
            f"exception() of a call that raised ValueError('on purpose') is {error!r}",
        )
        try:
            future.result()
        except ValueError as raised:
            insist(raised.args == ("on purpose",), f"result() raised {raised!r}")
        else:
            raise Broken("result() of a call that raised returned")
        insist(pool.submit(int).exception() is None, "exception() of a call that returned")


@claim(
    "result-timeout",
    "result(timeout) and exception(timeout) raise TimeoutError while the call runs, no more",
    RESULT,
    "a program cannot wait for a limited time",
)
def result_timeout(judged: Judged) -> None:
    """Ask a call that is held, in vain, and once more when it has ended."""
    with judged.pool() as pool:
        held = Held(judged, pool, "answer")
        for ask in (held.future.result, held.future.exception):
            judged.doing("waiting for 0.01 seconds in result() or exception()")
            try:
                found = ask(timeout=0.01)
            except concurrent.futures.TimeoutError:
                continue
            held.let_go()
            raise Broken(f"{ask.__name__}(0.01) of a call that runs returned {found!r}")
        held.let_go()
        judged.doing("waiting for the result of a call that was let go")
        insist(held.future.result() == "answer", "the call was harmed by who did not wait")


@claim(
    "running",
    "running() is true while a call runs, done() when it has ended, and neither before",
    documented("Future.running"),
    "a program cannot tell what its calls do",
)
def running(judged: Judged) -> None:
    """Ask a call that is held, one that waits behind it, and one that has ended."""
    with judged.pool(1) as pool:
        held = Held(judged, pool)
        behind = [pool.submit(int) for _ in range(MANY)][-1]
        judged.doing("waiting until running() is true of a call that runs")
        until(held.future.running)
        insist(not held.future.done(), "done() is true of a call that runs")
        seen = behind.running(), behind.done()
        held.let_go()
        insist(seen == (False, False), f"running() and done() of a call that waits are {seen}")
        held.future.result()
        seen = held.future.running(), held.future.done()
        insist(seen == (False, True), f"running() and done() of an ended call are {seen}")


@claim(
    "cancel-running",
    "cancel() returns False for a call that runs or has ended, and changes nothing",
    CANCEL,
    "a program believes a call cancelled that ran",
)
def cancel_running(judged: Judged) -> None:
    """Cancel a call that is held, and then when it has ended."""
    with judged.pool() as pool:
        held = Held(judged, pool, "answer")
        judged.doing("waiting until running() is true of a call that runs")
        until(held.future.running)
        cancelled = held.future.cancel()
        held.let_go()
        insist(not cancelled, "cancel() of a call that has begun returned True")
        insist(held.future.result() == "answer", "the call was harmed by a cancel() in vain")
        insist(not held.future.cancel(), "cancel() of a call that has ended returned True")
        insist(not held.future.cancelled(), "cancelled() is true of a call that has ended")


@claim(
    "cancel-waiting",
    "cancel() returns True for a call that waits, which then never runs",
    CANCEL,
    "work that nobody wants any more cannot be taken back",
)
def cancel_waiting(judged: Judged) -> None:
    """Cancel the last of many calls behind one that is held."""
    place = judged.folder()
    with judged.pool(1) as pool:
        held = Held(judged, pool)
        futures = [pool.submit(calls.noted, place, each) for each in range(MANY)]
        cancelled = futures[-1].cancel()
        seen = futures[-1].cancelled(), futures[-1].done()
        held.let_go()
        insist(cancelled, f"cancel() of the last of {MANY} calls behind a held one was False")
        insist(seen == (True, True), f"cancelled() and done() are then {seen}")
        for ask in (futures[-1].result, futures[-1].exception):
            judged.doing("waiting in result() or exception() of a cancelled call")
            try:
                found: object = ask()
            except CancelledError:
                continue
            raise Broken(f"{ask.__name__}() of a cancelled call returned {found!r}")
        judged.doing("waiting for the calls beside a cancelled one")
        insist([each.result() for each in futures[:-1]] == [*range(MANY - 1)], "others are wrong")
    insist(str(MANY - 1) not in calls.ran(place), "the cancelled call ran")


@claim(
    "callback-argument",
    "a callback is called once with its future as the only argument, and finds it done",
    CALLBACK,
    "callbacks are not told, or told of something else",
)
def callback_argument(judged: Judged) -> None:
    """Add callbacks to a call that is held, to one that raises, to one that is cancelled."""
    with judged.pool(1) as pool:
        held = Held(judged, pool)
        failing: Future[object] = pool.submit(calls.failing)
        futures = [held.future, failing]
        futures += [pool.submit(calls.echo_one, None) for _ in range(MANY)]
        came: list[tuple[object, bool]] = []
        for each in futures:
            each.add_done_callback(lambda future: came.append((future, future.done())))
        futures[-1].cancel()
        held.let_go()
        judged.doing("waiting for callbacks of calls that ended, failed, or were cancelled")
        until(lambda: len(came) >= len(futures))
    insist(len(came) == len(futures), f"{len(futures)} callbacks ran {len(came)} times")
    insist({each for each, _ in came} == {*futures}, "a callback was given another future")
    insist(all(done for _, done in came), "a callback found its future not done")


@claim(
    "callback-late",
    "a callback that is added to a future that is done is called immediately",
    CALLBACK,
    "callbacks that come late are never called",
)
def callback_late(judged: Judged) -> None:
    """Add a callback when the call has long ended."""
    with judged.pool() as pool:
        future = pool.submit(int)
        future.result()
        before: list[object] = []
        future.add_done_callback(before.append)
        judged.doing("waiting for a callback of the time of the end")
        until(lambda: before)  # all callbacks of the end are through
        came: list[object] = []
        future.add_done_callback(came.append)
        insist(came == [future], f"after add_done_callback it had been called with {came}")


@claim(
    "callback-raises",
    "an exception in a callback is logged and ignored: other callbacks and the call go on",
    CALLBACK,
    "one bad callback costs the results of others",
)
def callback_raises(judged: Judged) -> None:
    """Add callbacks that raise before others."""
    with judged.pool(1) as pool:
        held = Held(judged, pool, "answer")
        came: list[object] = []
        for _ in range(3):
            held.future.add_done_callback(lambda _: calls.fail("in a callback"))
            held.future.add_done_callback(came.append)
        held.let_go()
        judged.doing("waiting for callbacks behind callbacks that raise")
        until(lambda: len(came) == 3)
        insist(held.future.result() == "answer", "the result is gone")
        judged.doing("waiting for a call after callbacks that raised")
        insist(pool.submit(pow, 2, 3).result() == 8, "the next call is wrong")


@claim(
    "workers-bound",
    "no more than max_workers calls run at a time",
    documented("ThreadPoolExecutor"),
    "a limit that protects something else is not kept",
)
def workers_bound(judged: Judged) -> None:
    """Hold more calls than there are workers, and count who has begun."""
    place = judged.folder()
    pool = judged.pool(2)
    for _ in range(6):
        pool.submit(calls.said_who, place, 7)
    judged.doing("waiting until two calls run at a time")
    until(lambda: calls.present(place) >= 2)
    try:
        pool.submit(int).result(timeout=GRACE)
    except concurrent.futures.TimeoutError:
        pass
    seen = calls.present(place)
    insist(seen == 2, f"{seen} calls ran at a time with max_workers=2")


@claim(
    "asyncio",
    "loop.run_in_executor awaits its calls",
    "https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.run_in_executor",
    "it cannot be used with asyncio",
)
def with_asyncio(judged: Judged) -> None:
    """Await calls, one of which raises."""

    async def main(pool: Executor) -> list[object]:
        loop = asyncio.get_running_loop()
        waiting = [loop.run_in_executor(pool, pow, 2, each) for each in range(8)]
        failing = loop.run_in_executor(pool, calls.fail, "on purpose")
        return await asyncio.gather(*waiting, failing, return_exceptions=True)

    judged.doing("awaiting calls with asyncio")
    with judged.pool() as pool:
        found = asyncio.run(main(pool))
    insist(found[:8] == [2**each for each in range(8)], f"powers gave {found[:8]}")
    insist(type(found[8]) is ValueError, f"a call that raises ValueError gave {found[8]!r}")
