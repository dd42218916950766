"""Whether a history of calls on one future is linearizable.

A history is what callers see, in the order in which they see it: a call begins, a call
returns with its reply, a callback runs, a waiter is told, nobody can go on.  It is
linearizable if each call can be given one instant between its begin and its return, so
that the calls, done one after the other at these instants as ``foregone_spec.future.step``
says, give the replies that were heard.

What follows a change of state is carried out after it, so it is checked where it is seen:

- callbacks run once the future is done, each once, in the order of the instants at which
  they were added, in the thread that added it or the one that ended the future;
- waiters are told once everybody is to be told, and told what the state says;
- who ended the future returns when all callbacks of that instant have run, and who tells
  the waiters when all have been told;
- when nobody can go on, who still waits waits rightly, and nothing is left to be done.

All choices of the instants are followed at once: a *guess* is what the calls so far, with
instants chosen, have come to.  The history is wrong where no guess is left.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, final

from foregone_spec.future import (
    DONE,
    NOTIFIED,
    Command,
    Effect,
    Refusal,
    State,
    cancel_command,
    is_cancelled,
    is_done,
    step,
)

LATE: Final = -1  # the thread of the epilogue


@final
@dataclass(frozen=True, slots=True)
class Call:
    """One call of one thread."""

    thread: int
    place: int
    verb: str
    patient: bool = True  # has it no time limit?

    @classmethod
    def read(cls, thread: int, place: int, text: str) -> "Call":
        """Return the call of a verb, which has a time limit where ``(1)`` follows."""
        verb, limit, _ = text.partition("(1)")
        return cls(thread, place, verb, patient=not limit)

    @property
    def tag(self) -> str:
        """The name of the call, and of what it brings: a result, a callback, a waiter."""
        return f"{'late' if self.thread == LATE else self.thread}.{self.place}"

    def __str__(self) -> str:
        return f"{self.tag} {self.verb}{'' if self.patient else '(1)'}"


@final
@dataclass(frozen=True, slots=True)
class Begins:
    """A call begins."""

    call: Call

    def __str__(self) -> str:
        return f"{self.call} begins"


@final
@dataclass(frozen=True, slots=True)
class Returns:
    """A call returns, or raises."""

    call: Call
    reply: str
    late: bool = False  # has its time passed?

    def __str__(self) -> str:
        return f"{self.call} -> {self.reply}{', its time passed' if self.late else ''}"


@final
@dataclass(frozen=True, slots=True)
class Ran:
    """A callback runs."""

    tag: str
    thread: int

    def __str__(self) -> str:
        return f"callback {self.tag} runs in thread {self.thread}"


@final
@dataclass(frozen=True, slots=True)
class Told:
    """A waiter is told."""

    tag: str
    what: str

    def __str__(self) -> str:
        return f"waiter {self.tag} is told of {self.what}"


@final
@dataclass(frozen=True, slots=True)
class Quiet:
    """Nobody can go on."""

    def __str__(self) -> str:
        return "nobody can go on"


Event: TypeAlias = Begins | Returns | Ran | Told | Quiet

_COMMANDS: Final = {
    "start": Command.SET_RUNNING_OR_NOTIFY_CANCEL,
    "set_result": Command.SET_RESULT,
    "set_exception": Command.SET_EXCEPTION,
}
_BLOCKS_UNTIL: Final = {
    "result": DONE,
    "exception": DONE,
    "wait": NOTIFIED,
    "as_completed": NOTIFIED,
}
IN_TIME: Final = ("TimeoutError", "not done")  # replies that only a time limit explains


@final
@dataclass(frozen=True, slots=True)
class Guess:
    """What the calls have come to, with the instants that were chosen."""

    state: State = State.PENDING
    outcome: str = ""  # "returned TAG" or "raised TAG"
    queue: tuple[str, ...] = ()  # callbacks that were added and have not run
    waiters: tuple[str, ...] = ()  # waiters that were installed and have not been told
    ender: Call | None = None
    ender_is_back: bool = False
    replies: frozenset[tuple[Call, str]] = frozenset()  # of calls that are not back
    owed: frozenset[tuple[Call, str]] = frozenset()  # what must be done before a call is back

    @property
    def told(self) -> str:
        """What a waiter is told."""
        if is_cancelled(self.state):
            return "a cancel"
        return "a result" if self.outcome.startswith("returned") else "an exception"

    def after(self, call: Call, owned: bool) -> "Guess | None":
        """Return what comes of ``call`` now, or None if it has to wait."""
        match call.verb:
            case "cancel" | "start" | "set_result" | "set_exception":
                return self._commanded(call, _COMMANDS.get(call.verb) or cancel_command(owned))
            case "result" | "exception" | "wait" | "as_completed":
                ended = self.state in _BLOCKS_UNTIL[call.verb]
                return None if call.patient and not ended else self._replied(call, self._seen(call))
            case "add":
                at_once = is_done(self.state) and self.ender_is_back
                owed = self.owed | {(call, call.tag)} if at_once else self.owed
                return replace(
                    self._replied(call, "None"), queue=(*self.queue, call.tag), owed=owed
                )
            case "install":
                if self.state in NOTIFIED:
                    return self._replied(call, "False")
                return replace(self._replied(call, "True"), waiters=(*self.waiters, call.tag))
            case "done":
                return self._replied(call, str(is_done(self.state)))
            case "running":
                return self._replied(call, str(self.state is State.RUNNING))
            case "cancelled":
                return self._replied(call, str(is_cancelled(self.state)))
            case unknown:
                raise ValueError(f"what is {unknown!r}?")

    def _replied(self, call: Call, reply: str) -> "Guess":
        return replace(self, replies=self.replies | {(call, reply)})

    def _seen(self, call: Call) -> str:
        """Return the reply of a call that looks at the end."""
        ended = self.state in _BLOCKS_UNTIL[call.verb]
        if call.verb == "wait":
            return "done" if ended else "not done"
        if not ended:
            return "TimeoutError"
        if call.verb == "as_completed":
            return "done"
        if is_cancelled(self.state):
            return "CancelledError"
        kept = call.verb == "exception" and self.outcome.startswith("returned")
        return "None" if kept else self.outcome

    def _commanded(self, call: Call, command: Command) -> "Guess":
        cell = step(self.state, command)
        reply = cell.reply.value if isinstance(cell.reply, Refusal) else str(cell.reply)
        now = self._replied(call, reply)
        owed = {*self.owed}
        if Effect.KEEP_OUTCOME in cell.effects:
            how = "returned" if command is Command.SET_RESULT else "raised"
            now = replace(now, outcome=f"{how} {call.tag}")
        if Effect.RUN_CALLBACKS in cell.effects:
            now = replace(now, ender=call)
            owed |= {(call, each) for each in self.queue}
        if Effect.TELL_WAITERS in cell.effects:
            owed |= {(call, each) for each in self.waiters}
        return replace(now, state=cell.after, owed=frozenset(owed))

    def sees(self, event: Event, open_calls: frozenset[Call], owned: bool) -> "Guess | None":
        """Return what is left of the guess when ``event`` is seen, or None if it is wrong."""
        match event:
            case Begins():
                return self
            case Returns(call, reply, late):
                owes = any(each == call for each, _ in self.owed)
                if owes or (call, reply) not in self.replies or (reply in IN_TIME and not late):
                    return None
                back = self.ender_is_back or call == self.ender
                return replace(self, replies=self.replies - {(call, reply)}, ender_is_back=back)
            case Ran(tag, thread):
                if not is_done(self.state) or self.queue[:1] != (tag,) or self.ender is None:
                    return None
                adder = tag.partition(".")[0]
                if thread != self.ender.thread and str(thread) != adder:
                    return None
                return replace(self, queue=self.queue[1:], owed=self._paid(tag))
            case Told(tag, what):
                if self.state not in NOTIFIED or tag not in self.waiters or what != self.told:
                    return None
                left = tuple(each for each in self.waiters if each != tag)
                return replace(self, waiters=left, owed=self._paid(tag))
            case Quiet():
                waiting = all(self.after(call, owned) is None for call in open_calls)
                undone = is_done(self.state) and self.queue
                untold = self.state in NOTIFIED and self.waiters
                return None if self.replies or not waiting or undone or untold else self

    def _paid(self, tag: str) -> frozenset[tuple[Call, str]]:
        return frozenset(each for each in self.owed if each[1] != tag)


def _onward(guesses: Iterable[Guess], calls: frozenset[Call], owned: bool) -> set[Guess]:
    """Return the guesses, and all that come of them where calls take their instants."""
    found = set(guesses)
    todo = list(found)
    while todo:
        guess = todo.pop()
        chosen = {call for call, _ in guess.replies}
        for call in calls - chosen:
            after = guess.after(call, owned)
            if after is not None and after not in found:
                found.add(after)
                todo.append(after)
    return found


def complaints(history: Sequence[Event], owned: bool) -> Iterator[str]:
    """Yield what is wrong with a history: nothing if it is linearizable."""
    guesses = {Guess()}
    calls: frozenset[Call] = frozenset()
    for number, event in enumerate(history):
        before = _onward(guesses, calls, owned)
        left = (guess.sees(event, calls, owned) for guess in before)
        guesses = {guess for guess in left if guess is not None}
        if not guesses:
            yield f"not linearizable: {event}"
            yield from (f"  seen: {each}" for each in history[: number + 1])
            return
        match event:
            case Begins(call):
                calls |= {call}
            case Returns(call):
                calls -= {call}
            case _:
                pass
