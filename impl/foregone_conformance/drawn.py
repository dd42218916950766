"""Programs that are drawn: clients that submit, cancel, add callbacks and shut down at random.

What happens is written to one log, by the clients and by the calls, wherever they run: what
happened before something else stands before it.  Each line is a word, the number of a call, and
who wrote it.  The invariants are then asked of the log and of the futures.
"""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor, Future
from random import Random
from time import monotonic
from typing import Final, final

from foregone_conformance.exhibits.future import until
from foregone_conformance.exhibits.tasks import awaited, mark
from foregone_conformance.judged import Judged, is_refusal
from foregone_conformance.kinds import Kind, NotApplicable
from foregone_conformance.session import lives

GATE: Final = "go on"
LOG: Final = "log"
#: Rounds of drawn programs, where calls share memory and where they do not.
ROUNDS: Final = {Kind.THREAD: 40, Kind.PROCESS: 8}
#: Seconds after which no round is begun, but for the first two.
ENOUGH: Final = 20.0
FEW: Final = 4  # rounds of a program that is always much the same
CROWD: Final = 1000  # calls: who errs once in a while errs among so many
#: The threads of this process in which calls of ``act`` have run.
WORKERS: Final[set[threading.Thread]] = set()
#: What shutdown may be asked for, one after the other, before it is asked to wait.
REQUESTS: Final = (
    (),
    ((False, False),),
    ((False, True),),
    ((False, True), (False, False)),
    ((False, False), (False, True)),
)


def write(place: str, line: str) -> None:
    """Append a line to the log at once."""
    log = os.open(os.path.join(place, LOG), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(log, f"{line}\n".encode())
    finally:
        os.close(log)


def act(place: str, number: int, how: str) -> int:
    """Say that call ``number`` begins, do what it is to, say that it ends; return the number."""
    WORKERS.add(threading.current_thread())
    write(place, f"begins {number} {os.getpid()}")
    try:
        if how == "held":
            awaited(place, GATE)
        elif how == "raises":
            raise ValueError(number)
    finally:
        write(place, f"ends {number} {os.getpid()}")
    return number


def seen(future: "Future[int]") -> str:
    """Return how a future that is done has ended."""
    try:
        error = future.exception(timeout=0)
        return f"raised {error!r}" if error is not None else f"returned {future.result()!r}"
    except CancelledError:
        return "cancelled"


@final
class Round:
    """One drawn program, while it runs and when it has run."""

    def __init__(self, judged: Judged, number: int) -> None:
        self.judged = judged
        self.number = number
        self.place = judged.folder()
        self.futures: dict[int, Future[int]] = {}  # of the calls that were accepted
        self.how: dict[int, str] = {}
        self.refused: set[int] = set()
        self.cancelled: set[int] = set()  # where cancel() returned True
        self.added: dict[int, int] = {}  # how many callbacks were added to a call's future
        self.ran: list[tuple[int, int, str]] = []  # call, callback, how the future had ended
        self.unsettled: list[int] = []  # not done when shutdown(wait=True) was back
        self.untold: list[int] = []  # done, but not for wait()
        self.living: list[str] = []  # workers that were there when shutdown was back
        self.broken_clients: list[str] = []

    def __str__(self) -> str:
        return f"round {self.number}"

    # ------------------------------------------------------------------- clients

    def run(self) -> None:
        """Run the program to the return of ``shutdown(wait=True)``."""
        draw = Random(f"{self.judged.seed}.{self.number}")
        WORKERS.clear()
        pool = self.judged.pool(draw.randint(1, 3))
        seeds = [draw.random() for _ in range(2)]
        clients = [
            threading.Thread(target=self._client, args=(pool, each, seed), daemon=True)
            for each, seed in enumerate(seeds)
        ]
        requests = draw.choice(REQUESTS)
        before = draw.random() < 0.5  # is the gate opened before the requests?
        alone = draw.random() < 0.5  # do the clients end before?
        if self.judged.kind is Kind.PROCESS:  # no process is forked beside the clients
            self._doing("the first call")
            pool.submit(int).result()
        self._doing("its clients to return")
        for each in clients:
            each.start()
        if alone:
            for each in clients:
                each.join()
        if before:
            mark(self.place, GATE)
        for wait, cancel in requests:
            self._doing(f"shutdown(wait={wait}, cancel_futures={cancel})")
            self._shut(pool, wait, cancel)
        mark(self.place, GATE)
        self._doing("its clients to return")
        for each in clients:
            each.join()
        self._doing("shutdown(wait=True)")
        pool.shutdown(wait=True)
        write(self.place, "back 0 client")
        self._look()
        self._late(pool)

    def _doing(self, what: str) -> None:
        self.judged.doing(f"{self}: waiting for {what}")

    @staticmethod
    def _shut(pool: Executor, wait: bool, cancel: bool) -> None:
        if cancel:
            try:
                cancelling(pool, wait)
                return
            except NotApplicable:
                pass  # it is to end all the same
        pool.shutdown(wait=wait)

    def _client(self, pool: Executor, which: int, seed: float) -> None:
        try:
            self._act(pool, which, Random(seed))
        except Exception as error:
            self.broken_clients.append(f"{type(error).__name__}: {error}")

    def _act(self, pool: Executor, which: int, draw: Random) -> None:
        mine: list[int] = []
        for step in range(draw.randint(4, 10)):
            what = draw.choice(("submit", "submit", "submit", "cancel", "add", "add"))
            if what == "submit" or not mine:
                number = which * 100 + step
                self.how[number] = draw.choice(("quick", "quick", "held", "raises"))
                try:
                    future = pool.submit(act, self.place, number, self.how[number])
                except RuntimeError:
                    write(self.place, f"refused {number} client")
                    self.refused.add(number)
                    continue
                self.futures[number] = future
                mine.append(number)
            elif what == "cancel":
                number = draw.choice(mine)
                if self.futures[number].cancel():
                    write(self.place, f"cancelled {number} client")
                    self.cancelled.add(number)
            else:
                self._add(draw.choice(mine))

    def _add(self, number: int) -> None:
        place = self.added.get(number, 0)
        self.added[number] = place + 1
        self.futures[number].add_done_callback(
            lambda future: self.ran.append((number, place, seen(future)))
        )

    # ------------------------------------------------------------ when it is back

    def _look(self) -> None:
        self.unsettled = [each for each, future in self.futures.items() if not future.done()]
        ended = {each: future for each, future in self.futures.items() if future.done()}
        if ended:
            told, _ = self.judged.waited(list(ended.values()), timeout=0)
            self.untold = [each for each, future in ended.items() if future not in told]
        if self.judged.kind is Kind.THREAD:
            self.living = [each.name for each in WORKERS if each.is_alive()]
        else:
            pids = {who for word, _, who in self.log() if word == "begins"}
            self.living = [f"process {each}" for each in pids if lives(int(each))]

    def _late(self, pool: Executor) -> None:
        """Have somebody come when all is over."""
        try:
            pool.submit(int)
        except RuntimeError:
            pass
        except Exception as error:
            self.broken_clients.append(f"{type(error).__name__}: {error}")
        else:
            self.broken_clients.append("nothing: its call was accepted after shutdown(wait=True)")

    def log(self) -> list[tuple[str, int, str]]:
        """Return what was written: words, calls, and who wrote them."""
        try:
            with open(os.path.join(self.place, LOG), encoding="ascii") as file:
                rows = [line.split() for line in file]
        except FileNotFoundError:
            return []
        return [(word, int(number), who) for word, number, who in rows]

    def begun(self) -> dict[int, int]:
        """Return how often each call has begun."""
        return Counter(number for word, number, _ in self.log() if word == "begins")

    def settle(self) -> None:
        """Wait until each accepted call has ended, and each callback of theirs has run."""
        for number, future in [*self.futures.items()]:
            self._doing(f"the end of call {number}, which was accepted; {future}")
            until(future.done)
        self._doing("the callbacks of futures that are done")
        until(lambda: len({each[:2] for each in self.ran}) >= sum(self.added.values()))


def rounds(judged: Judged) -> Iterator[Round]:
    """Yield rounds that have run."""
    began = monotonic()
    for number in range(ROUNDS[judged.kind]):
        if number > 1 and monotonic() - began > ENOUGH:
            return
        each = Round(judged, number)
        each.run()
        yield each


def draws(judged: Judged, most: int = FEW) -> Iterator[tuple[int, Random]]:
    """Yield the number of a round, and what it draws from."""
    for number in range(min(most, ROUNDS[judged.kind])):
        yield number, Random(f"{judged.seed}.{number}")


def cancelling(pool: Executor, wait: bool) -> None:
    """Shut down with cancel_futures; raise NotApplicable where there is no such thing."""
    try:
        pool.shutdown(wait=wait, cancel_futures=True)
    except TypeError as error:
        if not is_refusal(error):
            raise
        raise NotApplicable(f"shutdown takes no cancel_futures ({error})") from error
