"""The museum's rooms: which script shows which bug, and where that was reported.

What each bug is, step by step, and which versions of which library have it, stands in
docs/museum.md of the project.  That these rooms are those of that page is tested.
"""

# fmt: off
from typing import Final, NamedTuple

_GH: Final = "https://github.com/python/cpython/issues/"
_BPO: Final = "https://bugs.python.org/issue"
_NONE: Final = "no report known"


class Room(NamedTuple):
    """One bug of the field."""

    id: str
    script: str  # a function in exhibits/
    title: str
    link: str  # where it was reported


ROOMS: Final = (
    Room("M2b", "m2_initializer", "callbacks under the lock when an initializer fails", _NONE),
    Room(
        "M2c",
        "m2_cancel_futures",
        "callbacks under the lock in shutdown(cancel_futures=True)",
        _NONE,
    ),
    Room(
        "M4",
        "m4_cancelled_untold",
        "cancelled, but its waiters are never told",
        f"{_GH}87893, {_GH}92001, {_GH}109934",
    ),
    Room("M5", "m5_weaker_shutdown", "a later shutdown takes cancel_futures back", f"{_GH}125886"),
    Room("M7", "m7_map_drops", "map(buffersize) drops items silently", f"{_GH}146392"),
    Room("M8", "m8_state_error", "a thread is killed by a state error", f"{_GH}107219"),
    Room("M9", "m9_callback_exits", "a callback that exits ends the thread", f"{_GH}83371"),
    Room("M10", "m10_cancelled_item", "a cancelled call stops the failing of the others", _NONE),
    Room("M11", "m11_collected", "the executor is collected before its initializer fails", _NONE),
    Room("M13s", "m13_signal", "a signal handler submits inside submit", f"{_GH}121649"),
    Room(
        "M13g",
        "m13_collection",
        "a finalizer submits inside submit",
        "https://github.com/fsspec/gcsfs/issues/1025",
    ),
    Room(
        "M14",
        "m14_ghost",
        "submit raised, and the call runs all the same",
        "https://github.com/python/cpython/pull/17615",
    ),
    Room(
        "M15",
        "m15_fork",
        "a forked child's pool takes calls and never runs them",
        "https://github.com/HKUDS/LightRAG/issues/3860",
    ),
    Room("M18", "m18_waiter_leak", "an interrupted wait leaves its waiter behind", _NONE),
    Room("M19", "m19_callback_order", "a late callback overtakes earlier ones", _NONE),
    Room("M24", "m24_late_deadline", "the time limit of as_completed starts late", _NONE),
    Room("M25", "m25_map_strands", "map strands what it submitted when its input raises", _NONE),
    Room("H5", "h5_lost_decrement", "a lost decrement", f"{_BPO}14406"),
    Room(
        "H6", "h6_skipped_waiter", "a waiter is removed under the feet of who tells", f"{_BPO}20319"
    ),
    Room(
        "H8", "h8_duplicates", "a future that is given twice is waited for for ever", f"{_BPO}20369"
    ),
    Room("H17", "h17_copied_lock", "a forked child cannot exit", f"{_BPO}45021"),
    Room(
        "H20",
        "h20_shared_exception",
        "all futures of a broken pool share one error",
        f"{_GH}101267",
    ),
    Room("H21", "h21_falsy_exception", "an exception that is false is swallowed", f"{_GH}132063"),
    Room("H22", "h22_map_timed_out", "map leaves the call alone whose time is up", f"{_GH}95166"),
    Room(
        "H23",
        "h23_escaping_callback",
        "a callback's error escapes from add_done_callback",
        f"{_BPO}33110",
    ),
    Room("H24", "h24_overwritten_result", "a second result overwrites the first", f"{_BPO}33238"),
    Room("H25", "h25_kept_result", "a result lives until the next call", f"{_BPO}16284"),
    Room("M1", "m1_blind_spot", "a process dies that the manager does not watch", _NONE),
    Room("M2a", "m2_break", "callbacks under the lock when a process dies", _NONE),
    Room("M3", "m3_full_channel", "submit waits for room in the wake-up channel", f"{_GH}105829"),
    Room(
        "M4p",
        "m4_process",
        "cancelled, but its waiters are never told, processes",
        f"{_GH}87893, {_GH}92001, {_GH}109934",
    ),
    Room(
        "M5p", "m5_process", "a later shutdown takes cancel_futures back, processes", f"{_GH}125886"
    ),
    Room("M6", "m6_two_dicts", "two dicts of what is pending", f"{_GH}116685"),
    Room("M8p", "m8_process", "the manager is killed by a state error", f"{_GH}107219"),
    Room("M9p", "m9_process", "a callback that exits ends the manager", f"{_GH}83371"),
    Room("M12", "m12_stubborn", "a broken pool waits for who ignores SIGTERM", _NONE),
    Room(
        "M13p", "m13_process", "a signal handler submits inside submit, processes", f"{_GH}121649"
    ),
    Room(
        "M15p",
        "m15_process",
        "a forked child's process pool runs none of its calls",
        "https://github.com/HKUDS/LightRAG/issues/3860",
    ),
    Room("M16", "m16_exception", "an exception that does not unpickle breaks all", f"{_GH}81389"),
    Room("M16e", "m16_error", "a pickler's error that does not pickle breaks all", f"{_GH}81389"),
    Room("P2", "p2_argument", "an argument that does not unpickle breaks all", f"{_GH}81389"),
    Room("M17", "m17_second_shutdown", "a second shutdown does not wait", _NONE),
    Room(
        "M20", "m20_import", "a module waits for its own call while it is imported", f"{_GH}155890"
    ),
    Room("M26", "m26_slow_callback", "a callback that takes its time holds all others up", _NONE),
    Room("M28", "m28_grandchild", "a grandchild hides that a process died", _NONE),
    Room("H1", "h1_idle_token", "a stale idle token: no process is replaced", f"{_GH}115634"),
    Room(
        "H2",
        "h2_joined_feeder",
        "the manager joins the feeder, which wants its lock",
        f"{_GH}125451",
    ),
    Room(
        "H3",
        "h3_locked_reader",
        "the manager wants the lock to empty the wake-up channel",
        f"{_GH}105829",
    ),
    Room("H4", "h4_only_cancelled", "shutdown meets cancelled calls only", f"{_GH}94440"),
    Room(
        "H7",
        "h7_written_when_closed",
        "the wake-up channel is closed between the look and the write",
        f"{_BPO}39995",
    ),
    Room("H9", "h9_collected", "work is stranded when its executor is collected", f"{_GH}152967"),
    Room(
        "H10", "h10_shut_down", "work is stranded by a shutdown that does not wait", f"{_GH}132969"
    ),
    Room(
        "H11",
        "h11_forked_lock",
        "a process is forked with a lock that another thread holds",
        f"{_GH}90622",
    ),
    Room(
        "H12",
        "h12_unread_pipe",
        "a process dies while the feeder writes to it",
        f"{_GH}94777, {_GH}107219",
    ),
    Room(
        "H13",
        "h13_cancelled_in_the_way",
        "a cancelled call stops the failing of those behind it",
        f"{_GH}107219",
    ),
    Room(
        "H15",
        "h15_unpicklable",
        "a call that fails to pickle is never heard of again",
        f"{_BPO}31699",
    ),
    Room(
        "H16",
        "h16_closed_channel",
        "shutdown closes the wake-up channel, and the manager listens there",
        f"{_BPO}39104",
    ),
    Room(
        "H27", "h27_unseen_death", "nobody notices that a process dies", f"{_BPO}9205, {_BPO}22393"
    ),
    Room(
        "P1",
        "p1_killed_next",
        "a process that is killed has the next call already",
        "https://github.com/noxdafox/pebble/issues/153",
    ),
    Room(
        "P3",
        "p3_full_answers",
        "the manager waits for the lock of who waits for the manager",
        "https://github.com/noxdafox/pebble/issues/147, https://github.com/noxdafox/pebble/pull/148",
    ),
    Room(
        "P4",
        "p4_died_with_the_lock",
        "a process dies with the lock",
        "https://github.com/noxdafox/pebble/issues/163",
    ),
    Room(
        "P5",
        "p5_left_in_the_queue",
        "a pool that breaks forgets what no process had",
        "https://github.com/noxdafox/pebble/issues/69",
    ),
    Room(
        "P6",
        "p6_cancelled_in_between",
        "a call is cancelled between the look and the result",
        "https://github.com/noxdafox/pebble/issues/75",
    ),
    Room(
        "P7",
        "p7_ended_by_another",
        "an executor is ended because another one is wanted",
        "https://github.com/joblib/loky/issues/458, https://github.com/joblib/loky/pull/632",
    ),
    Room("P11", "p11_returned_error", "an exception that a call returns is raised", _NONE),
    Room(
        "P14",
        "p14_base_exception",
        "a call that raises no Exception is never heard of again",
        "https://github.com/dask/distributed/issues/5958",
    ),
    Room(
        "P16",
        "p16_killed_reader",
        "an idle process is killed, and keeps the others from reading",
        "https://github.com/celery/billiard/pull/457",
    ),
)
