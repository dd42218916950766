"""Which checks are run on a defect, by the module that has it, cheapest first.

A check has a name by which it is run: tests or their files; ``simulation`` and its seeds;
``schedules``, ``pool schedules`` or ``process schedules``, and perhaps one program with its
bound; ``museum``, ``cpython``, ``chaos``.  Whoever finds something says by which name it is
found again, mostly that of something smaller.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from model_tests.defects.lists import Defect

TESTS: Final = "model_tests/"
SIMULATION: Final = "simulation"
SCHEDULES: Final = "schedules"
POOL_SCHEDULES: Final = "pool schedules"
PROCESS_SCHEDULES: Final = "process schedules"
COMMANDS: Final = {
    "museum": ("model_tests.chain.museum",),
    "cpython": ("model_tests.chain.cpython_suite",),
    "chaos": ("model_tests.chain.chaos",),
}
SEEDS: Final = 1_000

#: Tests of one room, and of what is built on it, the quick ones first; and where the other
#: kinds of checks come in.
_FUTURES: Final = (
    "test_future_table", "test_api_callbacks", "test_api_executor",
    "test_api_differs", "test_interop_standard",
    "test_reentrancy::test_after_ctrl_c_no_waiter_stays",
    "test_reentrancy::test_after_ctrl_c_blocked_threads_are_released",
    "test_reentrancy::test_after_ctrl_c_what_follows_follows", SCHEDULES,
    "test_interop_asyncio",
)  # fmt: skip
_THREADS: Final = (
    "test_defects_threads", "test_api_executor", "test_api_callbacks", "test_api_differs",
    "test_api_references", "test_reentrancy::test_after_ctrl_c_a_pool_goes_on",
    POOL_SCHEDULES,
)  # fmt: skip
_CALLS: Final = (
    "test_defects_process", "test_process_dispatch", SIMULATION, "test_process_cancel",
    "test_process_ends",
)  # fmt: skip
_DEATHS: Final = (
    "test_defects_process", SIMULATION, "test_process_death", "test_process_breaks",
    "test_process_ends",
)  # fmt: skip
_CHUNKS: Final = ("test_defects_chunks", "test_process_outcomes", "test_process_chunks")
_STARTS: Final = (
    "test_defects_process", "test_process_start", "test_process_start_several",
    "test_process_alone",
)  # fmt: skip
_OBSERVED: Final = ("test_observing", "test_observing_harm")

ROOMS: Final = {
    "future": _FUTURES,
    "sync": _FUTURES,
    "clock": ("test_api_bad_input", *_FUTURES),
    "waiting": _FUTURES,
    "pool": _THREADS,
    "worker": _THREADS,
    "executor": ("test_api_map", *_THREADS),
    "fork": ("test_registry", *_THREADS),
    "registry": ("test_registry", *_THREADS),
    "interpreter_exit": ("test_defects_process", *_THREADS, "test_process_alone"),
    "called": ("test_process_pickling",),
    "dump": ("test_dump",),
    "progress_bar": ("test_progress_bar",),
    "inspection": ("test_inspection", "test_inspection_threads"),
    "inspection_process": ("test_inspection",),
    "events": _OBSERVED,
    "events_of_threads": ("test_thread_pool_machine", *_OBSERVED),
    "events_of_processes": ("test_process_traces", *_OBSERVED),
    "observing": _OBSERVED,
    "json_lines": ("test_json_lines", *_OBSERVED),
    "chrome_trace": ("test_events_command",),
    "events_command": ("test_events_command",),
    "runs": ("test_events_command", *_OBSERVED),
    "run_rooms": ("test_process_traces", *_OBSERVED),
    "run_of_processes": ("test_process_traces", *_OBSERVED),
    "run_of_threads": ("test_thread_pool_machine", *_OBSERVED),
    "testing": ("test_simulated_pool",),
    "process_pool/answers": (*_DEATHS, "test_process_cancel", "test_process_chunks"),
    "process_pool/awaiting": ("test_process_awaiting",),
    "process_pool/burial": _DEATHS,
    "process_pool/call_queue": _CALLS,
    "process_pool/callbacks": ("test_defects_process", "test_process_callbacks", *_CALLS),
    "process_pool/chunk_sizes": _CHUNKS,
    "process_pool/chunks": _CHUNKS,
    "process_pool/dispatch": _CALLS,
    "process_pool/ending": _CALLS,
    "process_pool/executor": ("test_process_ends", "test_api_process_pool", "test_api_processes"),
    "process_pool/local_worker": (*_CALLS, *_DEATHS, "test_process_callbacks"),
    "process_pool/memory": _STARTS,
    "process_pool/names": ("test_process_names",),
    "process_pool/outcomes": _CHUNKS,
    "process_pool/pickling": ("test_process_pickling",),
    "process_pool/poller": (*_CALLS, *_STARTS),
    "process_pool/ports": _STARTS,
    "process_pool/process": (
        "test_defects_process",
        "test_process_cancel",
        "test_process_real",
        "test_process_alone",
    ),
    "process_pool/remote_error": ("test_process_remote_error",),
    "process_pool/rooms": (*_CALLS, *_STARTS),
    "process_pool/semaphores": _STARTS,
    "process_pool/start": _STARTS,
    "process_pool/tickets": _CALLS,
    "process_pool/wire": ("test_defects_process", "test_process_pickling", *_CALLS),
    "process_pool/work_items": _CALLS,
}
#: What is about other rooms, or about text: a defect in a step of the library is not found by
#: whether its lines can be interrupted.
_ELSEWHERE: Final = (
    "test_assurance", "test_bench", "test_chain_", "test_contract", "test_defects.", "test_museum",
    "test_mutants", "test_promise", "test_readme", "test_rooms", "test_schedules", "test_spec_",
    "test_watchdog", "test_inclusions", "test_interruption_points",
)  # fmt: skip


#: Whose code is run where processes are simulated.
_OF_THE_PARENT: Final = (
    "answers", "burial", "call_queue", "callbacks", "dispatch", "ending", "local_worker", "rooms",
    "tickets", "wire", "work_items",
)  # fmt: skip
_SIMULATED: Final = (SIMULATION, PROCESS_SCHEDULES)


def checks(defect: Defect, root: Path) -> Iterator[str]:
    """Yield the checks for a defect by name, cheapest first."""
    room = defect.file.removeprefix("impl/foregone/").removesuffix(".py")
    there = {each.stem: each.name for each in sorted((root / TESTS).glob("test_*.py"))}
    processes = room.startswith("process_pool/")
    parent = room.rpartition("/")[2] in _OF_THE_PARENT
    near = dict.fromkeys((*ROOMS.get(room, ()), *(_SIMULATED if parent else ())))
    for each in near:
        stem, of, test = each.partition("::")
        if stem in there:
            yield f"{TESTS}{there[stem]}{of}{test}"
        elif each == SIMULATION:
            yield f"{SIMULATION} 0-{SEEDS - 1}"
        elif not each.startswith("test_"):
            yield each
    far = [
        f"{TESTS}{name}"
        for stem, name in there.items()
        if stem not in near and not name.startswith(_ELSEWHERE)
    ]
    # What is about processes is likelier to find what is wrong with them, and the same for threads.
    yield from sorted(far, key=lambda name: (("process" in name) is not processes, name))
    yield from COMMANDS
