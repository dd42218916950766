"""Where each rule comes from: what ``foregone-spec ask`` says of it.

``CPython`` is its documentation of ``concurrent.futures``, ``the seed`` that of the old
package ``futures``.  An M or H number is a room of the museum (``docs/museum.md``): a real
bug, which the rule is there to prevent.  ``MODULE.ACTION`` is an action of ``tla/MODULE.tla``
that does this, under the same name in ``foregone_spec``.
"""

from collections.abc import Mapping
from typing import Final

#: By table and column.  A test sees to it that none is missing, and that each action is there.
SOURCES: Final[Mapping[str, Mapping[str, str]]] = {
    "future": {
        "cancel": "CPython and the seed, Future.cancel(), in two steps; Future.Cancel",
        "set_running_or_notify_cancel": (
            "CPython and the seed, Future.set_running_or_notify_cancel(); "
            "Future.SetRunningOrNotifyCancel"
        ),
        "set_result": (
            "CPython, Future.set_result(), InvalidStateError since 3.8; Future.SetResult"
        ),
        "set_exception": (
            "CPython, Future.set_exception(), InvalidStateError since 3.8; Future.SetException"
        ),
        "cancel_owned": (
            "foregone: who waits is told at once of a future that its executor cancels (M4); "
            "Future.Cancel"
        ),
    },
    "lifecycle": {
        "shutdown": (
            "CPython and the seed, Executor.shutdown(); no later request weakens it (M5); "
            "ThreadPool.Shutdown, ProcessPool.Shutdown"
        ),
        "shutdown_cancel_futures": (
            "CPython, Executor.shutdown(cancel_futures=True); no later request weakens it (M5); "
            "ThreadPool.Discard, ProcessPool.Discard"
        ),
        "collect": (
            "CPython: an executor that is dropped still runs what it has accepted; no call is "
            "lost by it (M11); ThreadPool.Collect, ProcessPool.Collect"
        ),
        "exit": (
            "CPython: what was accepted runs before the interpreter ends; "
            "ThreadPool.Shutdown, ProcessPool.Shutdown"
        ),
        "break": (
            "CPython, BrokenExecutor: all that is pending fails, and submit raises (M10, H20); "
            "ThreadPool.InitializerFails, ProcessPool.SeeDeath, ProcessPool.StartFails"
        ),
        "fork": "foregone: the copy in a child has no threads, and says so (M15); no model",
    },
    "waiting": dict.fromkeys(
        ("result", "exception", "cancelled"),
        "CPython and the seed, wait(return_when); Waiting.Pass",
    ),
    "process-death": {
        "expected": "CPython, max_tasks_per_child and shutdown; ProcessPool.Bury",
        "later": ("CPython, BrokenProcessPool; foregone, on_process_death; ProcessPool.SeeDeath"),
        "early": "foregone, on_process_death; ProcessPool.SeeDeath",
        "early_again": (
            "foregone: processes that die before they are ready are not started for ever; "
            "ProcessPool.SeeDeath"
        ),
        "initializer": (
            "CPython, initializer: the pool is broken if it raises; ProcessPool.InitializerFails"
        ),
    },
    "work-item": {
        "offer": "the seed's data flow: from Work Ids to the Call Q; ProcessPool.Offer",
        "claim": (
            "CPython: a call that runs cannot be cancelled; ThreadPool.Claim, ProcessPool.Claim, "
            "ProcessPool.Notice"
        ),
        "recall": "foregone's claim tickets: the parent has won; ProcessPool.Recall",
        "dropped": "foregone's claim tickets: the process has lost; ClaimTickets.ReadDropped",
        "answer": (
            "CPython and the seed: the result is the future's; someone else's was first (M8); "
            "ThreadPool.Finish, ProcessPool.Answer"
        ),
        "raise": (
            "CPython and the seed: what the call raised is the future's exception (M8); "
            "ThreadPool.Finish, ProcessPool.Answer"
        ),
        "died": "foregone: the call that was claimed is blamed, alone; ProcessPool.SeeDeath",
        "cancel": (
            "CPython and the seed, Future.cancel(): until the call is claimed; "
            "ThreadPool.Cancel, ProcessPool.Cancel, ProcessPool.Discard"
        ),
        "fail": (
            "CPython, BrokenExecutor; a call that does not pickle costs itself only (M16); "
            "ProcessPool.Fail, ProcessPool.SubmitUnpicklable"
        ),
        "withdraw": (
            "foregone: a call whose submit raises never runs (M14); ThreadPool.ThreadCannotStart"
        ),
    },
}
