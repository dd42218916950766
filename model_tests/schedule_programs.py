"""The programs that are run under all schedules: see ``schedule_races`` and ``schedule_pools``."""

from itertools import combinations_with_replacement
from typing import Final

ALONE: Final = (
    "cancel", "start", "set_result", "set_exception", "result", "result(1)", "exception",
    "wait", "wait(1)", "as_completed", "add",
)  # fmt: skip
PAIRS: Final = tuple(
    f"{kind}: {one} | {other}"
    for kind in ("owned", "bare")
    for one, other in combinations_with_replacement(ALONE, 2)
)
TRIPLES: Final = (
    "owned: cancel | start | result",
    "bare: cancel | start | result",
    "bare: cancel | start | wait",
    "owned: add; set_result | add; add | add",
    "bare: add; cancel | add | add",
    "owned: cancel | cancel | wait",
    "bare: cancel | cancel | wait",
    "bare: cancel; start | set_exception | as_completed",
    "owned: set_result | set_result | wait",
    "owned: set_result | set_exception | exception",
    "owned: wait(1) | set_result | wait",
    "bare: wait(1) | result(1) | cancel",
    "owned: result(1) | set_result | result",
    "owned: result(1) | result(1) | cancel",
    "owned: as_completed(1) | set_exception | wait",
    "owned: wait | wait | wait",
    "owned: start | add | result(1)",
    "owned: start | start | cancel",
)
TWO_FUTURES: Final = (
    "owned: as_completed@fg | set_result@f | cancel@g",
    "owned: as_completed(1)@fg | set_result@f | set_result@g",
    "bare: as_completed@fg | cancel@f; start@f | set_exception@g",
    "owned: wait@fg | set_result@f | set_exception@g",
    "bare: wait@fg | cancel@f; start@f | start@g",
    "owned: wait(1)@fg | set_result@f | cancel@g",
    "owned: wait(first)@fg | set_result@f | cancel@g",
    "owned: wait(exception)@fg | set_result@f | set_exception@g",
    "owned: wait(first)@fg | wait(1)@g | set_result@g",
    "owned: wait@fg | as_completed@fg | set_result@f; set_result@g",
)

#: With how many preemptions each is run.
POOLS: Final = (
    ("pool 1: submit", 3),
    ("pool 1: submit; submit", 2),
    ("pool 1: submit | submit", 2),
    ("pool 2: submit | submit", 1),
    ("pool 1 before: submit", 2),
    ("pool 2 before: submit", 2),
    ("pool 1: submit | shutdown", 2),
    ("pool 1: submit | shutdown(nowait)", 2),
    ("pool 1: submit | shutdown(cancel)", 2),
    ("pool 1 before: submit | shutdown(cancel)", 1),
    ("pool 2 before: submit | shutdown", 1),
    ("pool 1 before: shutdown | shutdown(cancel)", 1),
    ("pool 1 before: shutdown | shutdown", 1),
    ("pool 1 before: cancel", 2),
    ("pool 1 before: cancel | shutdown(cancel)", 1),
    ("pool 1 before: cancel | result", 2),
    ("pool 1: submit; cancel | submit; result", 1),
    ("pool 1 initfails: submit", 2),
    ("pool 1 initfails: submit | submit", 1),
    ("pool 2 initfails: submit; result | submit", 1),
    ("pool 1 initfails: submit | shutdown", 1),
    ("pool 1 refused: submit | submit", 2),
    ("pool 2 refused: submit | submit", 2),
    ("pool 1 refused: submit | shutdown", 2),
    ("pool 1 interrupted: submit", 2),
    ("pool 1 interrupted: submit | submit", 1),
    ("pool 1 interrupted: submit | shutdown(cancel)", 1),
    ("pool 1: submit; drop", 2),
    ("pool 2: submit; drop | submit; drop", 1),
    ("pool 1 before: drop | cancel", 2),
)
#: Too large to be run through: so many schedules are drawn of each.
LARGE_POOLS: Final = (
    "pool 2: submit; submit; result | submit; cancel | shutdown",
    "pool 2: submit; result | submit; submit | shutdown(cancel)",
    "pool 2 before: submit; cancel | shutdown(nowait) | shutdown(cancel)",
    "pool 2 initfails: submit; submit | submit; result | shutdown",
    "pool 2 refused: submit; submit | submit; result | shutdown(nowait)",
    "pool 1 refused: submit | submit; cancel | shutdown(cancel)",
    "pool 2 interrupted: submit; submit | submit; result | shutdown",
    "pool 2: submit; drop | submit; cancel; drop | submit; drop",
    "pool 1: submit; submit | submit; submit; cancel | shutdown(cancel)",
)
