"""What is wrong with what came of a scenario.

The rules.  Every accepted call ends, and in no way but those that it has a cause for:

1. it returns what it returns, or raises what it raises, and has begun once;
2. it is cancelled, if somebody cancelled it, and has never begun;
3. it is blamed for a process that died (under "replace" with ProcessDied, under "break"
   with a BrokenProcessPool that names the process), if it had begun there or died
   before it could, and the process had a cause to die; of each process at most one
   call is blamed;
4. it fails with the pool, if the pool had a cause to break: under "break" a death, under
   either policy terminate_workers() and kill_workers().

A call that was refused has never begun, and there was a cause to refuse it.
"""

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, CancelledError
from typing import Final

from model_tests.chaos import kinds
from model_tests.chaos.play import LETHAL as SIGNALS
from model_tests.chaos.play import Play
from model_tests.chaos.records import Mapped, Record
from model_tests.chaos.scenario import (
    BAD_ANSWER,
    DEADLY,
    GOOD,
    LETHAL,
    NEVER_SENT,
    RAISES,
    STILL,
    UNREAD,
)
from model_tests.process_calls import value_of

_PID: Final = re.compile(r"\bprocess (\d+)\b")


class Judge:
    """What is known when a scenario is over."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.replaces = play.scenario.policy == "replace"
        self.where: dict[int, int] = {}
        self.begun: Counter[int] = Counter()
        for number, pid in play.house.where():
            self.begun[number] += 1
            self.where.setdefault(number, pid)
        shot = {pid for pid, names in play.signals.items() if any(x in SIGNALS for x in names)}
        fatal = {each.number for each in play.records if each.kind in LETHAL}
        fatal |= {each.first + each.fatal for each in play.maps if each.fatal >= 0}
        self.doomed = shot | {self.where[number] for number in fatal if number in self.where}
        deadly = any(each.kind in DEADLY and each.future for each in play.records)
        self.anonymous = deadly  # a process may die before its call could say where it is
        dies = bool(self.doomed) or deadly
        self.may_break = "end" in play.asked or (dies and not self.replaces)
        self.blamed: Counter[int] = Counter()

    def complaints(self) -> Iterator[str]:
        """Yield what is wrong."""
        yield from self.play.trouble
        for number, times in self.begun.items():
            if times > 1 and number > 0:
                yield f"call {number} has begun {times} times"
        for record in self.play.records:
            for wrong in (*record.wrong, *self.record(record)):
                yield f"call {record.number} ({record.kind}): {wrong}"
        for mapped in self.play.maps:
            for wrong in self.mapped(mapped):
                yield f"map of {mapped.first} to {mapped.first + mapped.length - 1}: {wrong}"
        for pid, times in self.blamed.items():
            if times > 1:
                yield f"{times} calls are blamed for process {pid}"

    # ----------------------------------------------------------------------- calls

    def record(self, record: Record) -> Iterator[str]:
        """Yield what is wrong with one call."""
        begun = self.begun[record.number]
        if record.future is None:
            if begun:
                yield "refused, and it has begun"
            yield from self.refused(record.refused)
            return
        if not record.future.done():
            yield f"it has not ended: {record.future!r}"
            return
        if record.called != 1:
            yield f"its callback came {record.called} times"
        if record.future.cancelled():
            if begun:
                yield "cancelled, and it has begun"
            if not record.cancelled and not self.play.asked & {"cancel"}:
                yield "cancelled, and nobody asked for it"
            return
        if record.cancelled:
            yield f"cancel() said True, and it is {record.future!r}"
        error = record.future.exception(0)
        if isinstance(error, BrokenExecutor):
            yield from self.broken(record.number, error)
        elif error is not None:
            yield from self.failed(record, error)
        elif record.kind not in (*GOOD, *STILL):
            yield f"returned {record.future.result(0)!r:.60}"
        else:
            if record.future.result(0) != kinds.expected(record.kind, record.number, record.size):
                yield f"returned what is wrong: {record.future.result(0)!r:.60}"
            if not begun:
                yield "returned, and has never begun"

    def refused(self, error: BaseException | None) -> Iterator[str]:
        """Yield why a refusal is wrong."""
        if isinstance(error, BrokenExecutor):
            if not self.may_break:
                yield f"refused, and nothing has broken the pool: {error}"
        elif "shutdown" not in self.play.asked:
            yield f"refused, and nobody has shut the pool down: {error!r}"

    def broken(self, number: int, error: BrokenExecutor) -> Iterator[str]:
        """Yield why a call that failed with a process, or with the pool, should not have."""
        named = _PID.search(str(error))
        blamed = type(error).__name__ == "ProcessDied" or "claimed when it died" in str(error)
        if not blamed:
            if not self.may_break:
                yield f"failed, and nothing has broken the pool: {error}"
            return
        if named is None:
            yield f"blamed, and no process is named: {error}"
            return
        pid = int(named[1])
        self.blamed[pid] += 1
        if type(error).__name__ == "ProcessDied" and not self.replaces:
            yield f"blamed alone, under the policy that breaks: {error}"
        if number in self.where and self.where[number] != pid:
            yield f"blamed for process {pid}, and it had begun in {self.where[number]}"
        if not (pid in self.doomed or self.anonymous or "end" in self.play.asked):
            yield f"blamed for process {pid}, which nobody has killed: {error}"

    def failed(self, record: Record, error: BaseException) -> Iterator[str]:
        """Yield why a call that raised something should not have."""
        kind = record.kind
        if kind in RAISES:
            if type(error) is not kinds.ERRORS[kind] or error.args != (record.number,):
                yield f"raised {error!r}"
        elif kind in (*NEVER_SENT, *UNREAD, *BAD_ANSWER):
            if isinstance(error, CancelledError):
                yield f"raised {error!r}"
            if kind in (*NEVER_SENT, *UNREAD) and self.begun[record.number]:
                yield "its argument never came, and it has begun"
        else:
            yield f"raised {error!r}"

    # ------------------------------------------------------------------------ maps

    def mapped(self, mapped: Mapped) -> Iterator[str]:
        """Yield what is wrong with one map."""
        if mapped.refused:
            if not self.play.asked & {"shutdown"} and not self.may_break:
                yield "refused"
            return
        count = len(mapped.got)
        if mapped.got != [value_of(mapped.first + number) for number in range(count)]:
            yield f"yielded what is wrong: {mapped.got!r:.80}"
        error = mapped.error
        if error is None:
            if count < mapped.length:
                yield f"it ended after {count} of {mapped.length} items"
            elif mapped.fatal >= 0:
                yield "it ended well, and an item was to end its process"
        elif isinstance(error, BrokenExecutor):
            if mapped.chunksize != "1" or count == mapped.length:
                yield from self.broken(0, error)
            else:
                yield from self.broken(mapped.first + count, error)
        elif isinstance(error, CancelledError):
            if not self.play.asked & {"cancel"}:
                yield "cancelled, and nobody asked for it"
        elif not (isinstance(error, RuntimeError) and "shutdown" in self.play.asked):
            yield f"raised {error!r}"
