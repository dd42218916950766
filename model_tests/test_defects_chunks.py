"""What seeded defects of chunks have shown to be unwatched, each under what finds it."""

import mmap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, cast, final

import pytest

from foregone import Future
from foregone.process_pool import outcomes, process, wire
from foregone.process_pool.chunk_sizes import ChosenSizes, map_chunks
from foregone.process_pool.chunks import Args, Chunk, ChunkedMap
from foregone.process_pool.errors import ProcessDied
from foregone.process_pool.outcomes import LOG, Outcomes, missing
from foregone.sync import new_gate
from model_tests.test_process_outcomes import plain, told

# --------------------------------------------------------------------- the log


@final
class Watched:
    """The head of a log; what it says is looked at after each store."""

    def __init__(self, head: memoryview, look: Callable[[], None]) -> None:
        self.head = head
        self.look = look

    def __getitem__(self, place: int) -> int:
        return self.head[place]

    def __setitem__(self, place: int, number: int) -> None:
        self.head[place] = number
        self.look()


OUTCOMES: Final = {
    "texts, one that travels alone": ["a", "b", "x" * 2_000, *"cdefgh", "y" * 2_000, "i"],
    "numbers": list(range(50)),
    "numbers, then others": [1, 2, 3, "a", (1,), 4, None],
}


@contextmanager
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[wire.Frame]]:
    """Yield the frames that are written meanwhile, in place of writing them."""
    frames: list[wire.Frame] = []

    def write_all(_: int, pieces: Sequence[wire.Buffer]) -> None:
        source = [b"".join(pieces)]
        frames.extend(wire.Reader(0, lambda *_: source.pop(), lambda *_: 0).read())

    monkeypatch.setattr(wire, "write_all", write_all)
    yield frames


@pytest.mark.parametrize("kind", OUTCOMES)
def test_whenever_a_process_dies_each_outcome_is_there_once(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each single store: what came by the lane and what the log adds is what was done."""
    values = OUTCOMES[kind]
    log = mmap.mmap(-1, LOG)
    done = looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1
        came = told(frames)
        found = [*came, *plain(missing(log[:], len(came)))]
        assert found == values[: len(found)]
        assert done - 1 <= len(found) <= done

    def item(value: object) -> object:
        nonlocal done
        if done:
            look()
        done += 1
        return value

    monkeypatch.setattr(outcomes, "_OLD", 1e9)
    with written(monkeypatch) as frames:
        made = Outcomes(0, log, 7, None)
        made._head = cast("memoryview", Watched(made._head, look))
        made.run(item, [(each,) for each in values], process.Interrupts(0))
        assert told(frames) == values
    assert looks > len(values)
    made._head = cast("Watched", made._head).head


# ------------------------------------------------------------------------ maps


def test_who_ends_a_turn_lets_those_look_who_wait_for_it() -> None:
    made: ChosenSizes[int] = ChosenSizes(
        lambda _, items: Answer(items), None, abs, iter(()), 1, None
    )
    gate = new_gate()
    gate.acquire()
    made.blocked.append(gate)
    made.feed()
    assert not gate.locked()


def test_the_item_that_has_killed_its_process_is_not_submitted_again() -> None:
    """Of four, one has returned, and one was running."""
    items: list[Args] = [(number,) for number in range(4)]
    again: list[Args] = []

    def submit(_: Callable[..., object], rest: list[Args]) -> Answer:
        again.extend(rest)
        return Answer(rest)

    made: ChunkedMap[int] = ChunkedMap(submit, None, abs, iter(()), 4, None)
    made.rescue(Chunk(made, Answer(items, ProcessDied(1, -9), begun=1), items))
    assert again == items[2:]


class Answer(Future[list[object]]):
    """A chunk that ends while it is submitted: whoever submits learns of it in the middle."""

    seconds = 0.001
    _size = 1

    def __init__(
        self, items: list[Args], error: BaseException | None = None, begun: int | None = None
    ) -> None:
        super().__init__()
        self.parts: list[object] = list(items[:begun])
        if error is None:
            self.set_result(self.parts)
        else:
            self.set_exception(error)


def test_word_that_is_left_is_heeded_though_nobody_asks_for_results() -> None:
    """(1) All that was submitted ends during a turn; (2) it is over; (3) the rest is submitted."""
    submitted: list[Args] = []

    def submit(_: Callable[..., object], items: list[Args]) -> Answer:
        submitted.extend(items)
        return Answer(items)

    results = map_chunks(submit, abs, (range(1_000),), executor=None, workers=1)
    assert len(submitted) == 1_000
    assert len(list(results)) == 1_000
