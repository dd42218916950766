"""Many calls, of which some kill their process: exactly those fail, and each says how.

python -m model_tests.chaos.thousand METHOD CALLS DEATHS
"""

import sys
import tempfile
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

from foregone import Future, ProcessPoolExecutor, wait
from foregone.process import ProcessDied
from model_tests import process_calls as calls
from model_tests.process_calls import DEATHS, House

WORKERS = 2


def thousand(method: str, count: int, deaths: int, house: House) -> Iterator[str]:
    """Make ``count`` calls of which ``deaths`` kill; yield what is wrong."""
    hows = list(DEATHS)
    every = count // deaths
    killers = {number: hows[number % 3] for number in range(every // 2, count, every)}
    with ProcessPoolExecutor(WORKERS, get_context(method), on_process_death="replace") as executor:
        futures: list[Future[int]] = [
            executor.submit(calls.dies, house.log, number, killers[number])
            if number in killers
            else executor.submit(calls.value, house.log, number)
            for number in range(count)
        ]
        wait(futures)
    where = dict(house.where())
    for number, future in enumerate(futures):
        error = future.exception(0)
        if number not in killers:
            if error is not None or future.result(0) != calls.value_of(number):
                yield f"call {number} is {future!r}"
        elif not isinstance(error, ProcessDied):
            yield f"call {number} kills its process, and is {future!r}"
        elif (error.pid, error.exit_code) != (where[number], DEATHS[killers[number]]):
            yield f"call {number} ({killers[number]} in {where[number]}) fails with {error}"
    if sorted(house.begun()) != list(range(count)):
        yield "not every call has begun once"


def main(method: str, count: str, deaths: str) -> None:
    """Say what is wrong."""
    with tempfile.TemporaryDirectory() as place:
        wrong = list(thousand(method, int(count), int(deaths), House(Path(place))))
    print("\n".join(wrong))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main(*sys.argv[1:])
