"""The table of the museum: process pools, as found in peers.  See data.py."""

from functools import partial
from typing import Final

from model_tests.museum.table import PASSES, PROCESSES_START, Exhibit, exhibit

_Row = partial(exhibit, patience=PROCESSES_START)

PEER_EXHIBITS: Final[tuple[Exhibit, ...]] = (
    _Row(
        "P1",
        "what a process said while it lived is believed when it is dead (pebble)",
        ("a call that runs is cancelled, and its process is to be killed",
         "the process ends that call and takes the next", "now it is killed",
         "the manager hears that it has the next call, and waits for it"),
        PASSES,
        "p1_believed_dead",
        models=("ClaimTickets-P1", "ClaimTickets-P1-blame"),
    ),
    _Row(
        "P3",
        "who writes an answer holds the lock without which nobody may be stopped (pebble)",
        ("a process writes a long answer, with the lock, and the pipe is full",
         "its call is cancelled", "the manager wants the lock, to stop the process",
         "nobody reads the pipe"),
        PASSES,
        "p3_awaited_lock",
        models=("PeerPool-P3",),
    ),
    _Row(
        "P4",
        "calls are read under a lock of all processes, and it outlives who has it (pebble)",
        ("a process takes the lock, and reads a call", "it dies in the middle",
         "another one is started in its place", "that waits for the lock"),
        PASSES,
        "p4_kept_lock",
        models=("PeerPool-P4",),
    ),
    _Row(
        "P5",
        "calls that wait are in another place than those that were handed on (pebble)",
        ("one call runs, others wait", "the pool breaks", "the call that ran fails",
         "the others are in a queue that nobody reads any more"),
        PASSES,
        "p5_left_queued",
        models=("PeerPool-P5",),
    ),
    _Row(
        "P6",
        "whether a call was cancelled is asked first, and then its result is set (pebble)",
        ("a call ends", "the manager sees that it was not cancelled", "it is cancelled",
         "set_result raises InvalidStateError, and the manager ends"),
        PASSES,
        "p6_checked_first",
        models=("PeerPool-P6",),
    ),
    _Row(
        "P7",
        "one executor is handed out to all, and made anew for who asks otherwise (loky)",
        ("A gets the executor", "B asks for one with other arguments",
         "the one that A has is shut down", "A submits, and is refused"),
        PASSES,
        "p7_one_for_all",
        "refused",
        models=("PeerReusable-P7",),
    ),
    _Row(
        "P11",
        "whether a call failed is told by the type of what came back (deadpool)",
        ("a call returns an exception, and raises none", "it comes back, as what it is",
         "result() raises it"),
        PASSES,
        "p11_errors_are_raised",
        "raised",
    ),
    _Row(
        "P14",
        "only Exception is caught around a call (distributed; multiprocessing.Pool in part)",
        ("a call raises a BaseException", "it passes what ends futures",
         "its future stays as it is, and its thread ends"),
        PASSES,
        "p14_only_exceptions",
    ),
    _Row(
        "P16",
        "who waits for a call holds the lock that all who want one share (billiard)",
        ("a process waits for a call, with the lock", "it is killed",
         "another one is started in its place", "that waits for the lock, for ever"),
        PASSES,
        "p16_lock_to_read",
        models=("ClaimTickets-P16", "PeerPool-P4"),
    ),
)  # fmt: skip
