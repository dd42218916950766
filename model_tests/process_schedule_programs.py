"""The programs on a process pool that are run under schedules: see ``process_schedules``."""

from typing import Final


def work(tag: int, *_: object) -> int:
    """Be the function of all calls: it is known by its name, and its process does not run it."""
    raise NotImplementedError(tag)


HUNTED: Final = (
    "process 1: submit",
    "process 1 before: add | shutdown",
    "process 1: submit | submit",
    "process 1 before: cancel | running",
    "process 1 before: shutdown(nowait) | shutdown(cancel)",
    "process 1 depth=1 before: submit; cancel | submit; shutdown",
    "process 1 replace before death@1: submit; result | cancel",
    "process 1 before death@1: submit; result | shutdown(cancel)",
    "process 2 before: submit; cancel | submit; add",
)

#: Small ones, each with its preemptions.
SMALL: Final = (
    ("process 1: submit", 1),
    ("process 1: submit; cancel", 1),
    ("process 1: submit; result", 1),
    ("process 1: submit | shutdown", 0),
    ("process 1: submit | shutdown(cancel)", 0),
    ("process 1: submit; cancel | kill", 0),
    ("process 1 before: cancel | shutdown(cancel)", 0),
    ("process 1 before death@1: cancel", 0),
    ("process 1 replace before death@1: result", 0),
)
#: Larger ones, and more preemptions, for who has time.
DEEP: Final = (
    ("process 1: submit; cancel", 2),
    ("process 1: submit; result", 2),
    ("process 1: submit | submit", 1),
    ("process 1: submit | shutdown", 1),
    ("process 1: submit | shutdown(cancel)", 1),
    ("process 1: submit; cancel | shutdown", 1),
    ("process 1: submit; add | kill", 1),
    ("process 1 before: cancel | running", 1),
    ("process 1 before: cancel | shutdown(cancel)", 1),
    ("process 1 before: cancel | cancel", 1),
    ("process 1 before: cancel | kill", 1),
    ("process 1 before: add | cancel", 1),
    ("process 1 before: submit | cancel", 1),
    ("process 1 before death@1: cancel", 1),
    ("process 1 before death@1: result | shutdown(cancel)", 1),
    ("process 1 replace before death@1: result", 1),
    ("process 1 replace before death@1: cancel", 1),
    ("process 1 tasks=1 before: submit", 1),
    ("process 1 before: chunk; cancel", 1),
    ("process 2 before: submit; cancel", 1),
)
#: Too large to be run through: so many schedules are drawn of each.
LARGE: Final = (
    "process 2: submit; submit; result | submit; cancel; shutdown",
    "process 2 fine: submit; cancel | submit; running; shutdown(cancel)",
    "process 2 replace death@1 death@2: submit; submit; result | submit; cancel; shutdown",
    "process 2 fine death@1: submit; submit; add | submit; kill",
    "process 2 depth=1 fine: submit; submit; cancel | submit; submit; result",
    "process 2 replace tasks=1 death@2 seed=3: submit; chunk; result | submit; cancel; shutdown",
    "process 2 replace fine death@1 seed=11: chunk; submit; result | submit; running; cancel",
)
