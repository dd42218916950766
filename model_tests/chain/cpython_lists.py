"""Tests of CPython's suite by name: those that are not run, and what is known of others.

Nothing else is left out, but the tests of pools that foregone does not have.
"""

from typing import Final

POOLS: Final = ("Fork", "Forkserver", "Spawn")

_ONE_BAD_PAYLOAD: Final = "a payload that does not unpickle costs its own call only"
_CANCELS_ALL: Final = "cancel_futures cancels all that no process has claimed: here it may be all"
_SECOND_THREAD: Final = "threading's start, to refuse CPython's feeder thread: there is none"
_UNSENT: Final = "_processes: it counts those that CPython starts for calls that do not pickle"
_WAKE_UP: Final = "_ThreadWakeup, _ExecutorManagerThread.run: it delays the one, blocks the other"


def _each(module: str, case: str, names: dict[str, str]) -> dict[str, str]:
    """Return the tests by their whole names, for each way to start processes."""
    return {
        f"{module}.ProcessPool{pool}{case}.{name}": why
        for name, why in names.items()
        for pool in POOLS
    }


#: Tests that pin what foregone does differently on purpose: the test, and the row of
#: "where foregone differs" that it pins.
PINS_A_DIFFERENCE: Final = {
    **_each(
        "test_deadlock",
        "ExecutorDeadlockTest",
        {
            "test_exit_at_task_unpickle": _ONE_BAD_PAYLOAD,
            "test_error_at_task_unpickle": _ONE_BAD_PAYLOAD,
            "test_error_during_result_unpickle_in_result_handler": _ONE_BAD_PAYLOAD,
            "test_exit_during_result_unpickle_in_result_handler": _ONE_BAD_PAYLOAD,
        },
    ),
    **_each("test_shutdown", "ProcessPoolShutdownTest", {"test_cancel_futures": _CANCELS_ALL}),
}
#: Tests that need private names which no module of foregone serves, and which.
POKES_PRIVATE_NAMES: Final = {
    **_each(
        "test_deadlock",
        "ExecutorDeadlockTest",
        {"test_gh105829_should_not_deadlock_if_wakeup_pipe_full": _WAKE_UP},
    ),
    **_each(
        "test_process_pool",
        "ProcessPoolExecutorTest",
        {"test_python_finalization_error": _SECOND_THREAD, "test_saturation": _UNSENT},
    ),
    **_each(
        "test_shutdown",
        "ProcessPoolShutdownTest",
        {"test_processes_terminate": _UNSENT},
    ),
}

#: Modules in which no process pool is tested.
NO_PROCESSES: Final = ("test_future", "test_thread_pool")
#: Modules that know nothing but pools that foregone does not have.
OTHER_POOLS: Final = ("test_interpreter_pool",)

#: Tests of an executor's class that stay green though ``submit`` raises, and why.
NEED_NO_SUBMIT: Final = {
    "test_correct_timeout_exception_msg": "as_completed() on futures made by hand",
    "test_free_reference_yielded_future": "as_completed() on futures made by hand",
    "test_default_workers": "makes an executor, and looks at it",
    "test_max_workers_negative": "an executor that cannot be made",
    "test_max_tasks_per_child": "under fork, an executor that cannot be made",
    "test_max_tasks_per_child_defaults_to_spawn_context": "makes an executor, and looks at it",
    "test_map_chunksize": "map() sends its chunks without it",
}
#: Tests that do not show what has failed: each runs another, and asks what that one left.
SAY_NOTHING: Final = (
    "test_init.FailingInitializerResourcesTest.test_forkserver",
    "test_init.FailingInitializerResourcesTest.test_spawn",
)
