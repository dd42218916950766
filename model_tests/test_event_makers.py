"""What makes events of the log, given entries by hand: what it remembers, what it says of whom."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from foregone.events import NOTHING, Told
from foregone.events_of_processes import ProcessEvents
from foregone.events_of_threads import ThreadEvents
from foregone.future import OwnedFuture
from foregone.pool import Pool
from foregone.process_pool.wire import DEPTH
from foregone.process_pool.work_items import Call
from foregone_spec import future, lifecycle
from foregone_spec.work_item import Event, Place

_CANCEL: Final = future.Command.CANCEL_OWNED
_START: Final = future.Command.SET_RUNNING_OR_NOTIFY_CANCEL
_RESULT: Final = future.Command.SET_RESULT
_PENDING, _RUNNING, *_, _FINISHED = future.State

Item = Any  # a call of a thread pool, or an entry of the log


# ------------------------------------------------------------------------- threads


class Log:
    """Entries of a thread pool that has no threads, and the maker that is given them."""

    def __init__(self) -> None:
        self.pool = Pool(2, "by hand", None, ())
        self.makes = ThreadEvents(self.pool)

    def tell(self, action: str, *about: object) -> Told:
        (told,) = self.makes.tell([(action, self.pool, *about)])
        return told

    def submit(self, worker: object = None, *, starts: bool = False) -> Item:
        item: Item = (OwnedFuture(), abs, (), {})
        self.tell("Submit", item, worker, starts)
        return item

    def future(self, item: Item, command: future.Command, before: future.State) -> list[Told]:
        cell = future.TRANSITIONS[before][command]
        return self.makes.tell([("Future", item[0], command, cell)])

    def next_item(self, worker: object, item: object = None) -> Told:
        return self.tell("NextItem", worker, item, lifecycle.Phase.OPEN, item is None)

    def remembers(self) -> tuple[object, ...]:
        return self.makes.places, self.makes.ended, self.makes.held


NOTHING_LEFT: Final[tuple[object, ...]] = ({}, set(), {})


def test_a_call_is_known_until_its_thread_asks_for_another() -> None:
    log, worker = Log(), object()
    item = log.submit(starts=True)
    assert log.next_item(worker, item)[:3] == ("NextItem", 1, 1)
    assert log.future(item, _START, _PENDING)[0][1] == 1
    assert log.future(item, _RESULT, _RUNNING)[0][1] == 1
    assert log.future(item, _CANCEL, _FINISHED)[0][1] == 1  # it comes late
    log.next_item(worker)
    assert log.remembers() == NOTHING_LEFT
    assert log.future(item, _CANCEL, _FINISHED) == []


def test_a_cancelled_call_that_a_thread_drops_is_forgotten() -> None:
    log, worker = Log(), object()
    item = log.submit()
    log.future(item, _CANCEL, _PENDING)
    assert log.makes.ended == {item[0]}
    assert log.next_item(worker, item)[1] == 1
    assert log.makes.ended == set()
    log.next_item(worker)
    assert log.remembers() == NOTHING_LEFT


@pytest.mark.parametrize("cancelled_before", [True, False])
def test_a_call_that_nobody_runs_is_forgotten_once_it_is_done(cancelled_before: bool) -> None:
    """It left the queue, and is done: whichever comes first."""
    log = Log()
    item = log.submit()
    for cancels in (cancelled_before, not cancelled_before):
        assert log.makes.places
        if cancels:
            log.future(item, _CANCEL, _PENDING)
        else:
            log.tell("Discard", item, lifecycle.Phase.CANCELLING)
    assert log.remembers() == NOTHING_LEFT


def test_where_no_thread_can_start_all_are_forgotten_that_were_queued() -> None:
    log = Log()
    first, other = log.submit(starts=True), log.submit()
    log.future(first, _CANCEL, _PENDING)
    assert log.tell("Withdraw", first)[:2] == ("Withdraw", 1)
    assert list(log.makes.places) == [other[0]]
    log.future(other, future.Command.SET_EXCEPTION, _PENDING)
    assert log.remembers() == NOTHING_LEFT


def test_where_there_is_another_thread_it_may_take_the_call() -> None:
    log, worker = Log(), object()
    log.next_item(worker, log.submit(starts=True))
    item = log.submit(starts=True)
    assert log.tell("Withdraw", item)[1] == 2
    assert log.next_item(worker, item)[1] == 2


def test_who_has_ended_is_no_other_thread() -> None:
    log, worker = Log(), object()
    log.next_item(worker, log.submit(starts=True))
    log.tell("NextItem", worker, None, lifecycle.Phase.OPEN, False)
    item = log.submit(starts=True)
    log.future(item, _CANCEL, _PENDING)
    log.tell("Withdraw", item)
    assert log.remembers() == NOTHING_LEFT


def test_no_function_is_kept() -> None:
    log = Log()
    log.submit()
    assert log.makes.called._last is None


# ----------------------------------------------------------------------- processes


class Ticket:
    """A ticket that is there or not; ``before`` the answer is used something may happen."""

    def __init__(self, there: bool) -> None:
        self.there = there
        self.before: Any = None

    def _get_value(self) -> int:
        value = int(self.there)
        if self.before is not None:
            self.before()
        return value


class Lane:
    """The slots of a process: + is a ticket that is there, - one that is gone."""

    def __init__(self, there: str) -> None:
        self.head, self.tail = 0, len(there)
        self.tickets = [Ticket(each == "+") for each in there.ljust(DEPTH, "+")]
        self.ring: list[Any] = [None] * DEPTH
        for serial in range(len(there)):
            call: Any = Call.__new__(Call)
            call._number, call._serial, call._queue = serial, serial, self
            call._place, call._pool = Place.IN_SLOT, POOL
            self.ring[serial] = call


class Fake:
    """A process pool of which nothing is asked but its lanes."""

    queues: tuple[Lane, ...] = ()


POOL: Final = Fake()


@pytest.fixture(autouse=True)
def _no_lanes() -> Iterator[None]:
    yield
    POOL.queues = ()


def makes(lane: Lane) -> ProcessEvents:
    """Return a maker that knows one process, to which all its calls were sent."""
    pool: Any = POOL
    maker = ProcessEvents(pool)
    POOL.queues = (lane,)
    told = maker.tell([("Offer", POOL, lane, each, True) for each in lane.ring if each])
    assert [each[2] for each in told] == [1] * lane.tail
    return maker


def claims(maker: ProcessEvents, *entries: Item) -> list[int]:
    """Look, then tell entries; return the calls that are said to be claimed."""
    maker.look()
    return [each[1] for each in maker.tell(entries) if each[0] == "Claimed"]


def test_claims_are_seen_up_to_the_first_that_is_not_made() -> None:
    """A process claims in the order of its lane: what stands behind is looked at later."""
    lane = Lane("--+-")
    maker = makes(lane)
    assert claims(maker) == [1, 2]
    assert claims(maker) == []
    lane.tickets[2].there = False
    assert claims(maker) == [3, 4]


def test_a_slot_that_was_left_is_passed_over() -> None:
    lane = Lane("---")
    maker = makes(lane)
    lane.ring[1] = None
    assert claims(maker) == [1, 3]


def test_a_claim_that_is_logged_is_not_seen_as_well() -> None:
    lane = Lane("-")
    lane.ring[0]._place = Place.CLAIMED
    assert claims(makes(lane)) == []


def test_a_ticket_whose_call_has_gone_says_nothing() -> None:
    """The parent won it between the look at the slot and that at the ticket: the call left then."""
    lane = Lane("--")
    maker = makes(lane)

    def taken_back() -> None:
        lane.ring[0]._queue = None

    lane.tickets[0].before = taken_back
    assert claims(maker) == []
    assert claims(maker) == [2]


@pytest.mark.parametrize(("what", "told"), [("Free", []), ("Take", []), ("Notice", [1])])
def test_what_an_entry_tells_is_not_told_once_more(what: str, told: list[int]) -> None:
    lane = Lane("-")
    call = lane.ring[0]
    entries: dict[str, Item] = {
        "Free": (what, POOL, lane, 0, call),
        "Take": (what, POOL, call, Event.CANCEL, Place.IN_SLOT, False),
        "Notice": (what, POOL, call),
    }
    assert claims(makes(lane), entries[what]) == told


def test_who_has_claimed_a_call_is_said_where_it_was_noticed() -> None:
    lane = Lane("+")
    maker = makes(lane)
    assert maker.tell([("Notice", POOL, lane.ring[0])]) == [("Claimed", 1, 1, "", "", NOTHING)]


def test_an_answered_call_is_forgotten() -> None:
    lane = Lane("-")
    maker = makes(lane)
    claims(maker)
    assert claims(maker, ("Free", POOL, lane, 0, lane.ring[0])) == []
    assert (maker.where, maker.claimed, maker.seen) == ({}, set(), {})


def test_a_claim_that_was_seen_is_not_told_again_when_it_is_noticed() -> None:
    lane = Lane("-")
    maker = makes(lane)
    assert claims(maker) == [1]
    assert claims(maker, ("Notice", POOL, lane.ring[0])) == []
