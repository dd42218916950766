"""How much the tests try, how a failure is replayed, and that nothing is left behind.

A test that hangs is ended by pytest-timeout; but that one stops its clock as soon as a
test has failed, and knows nothing of the end of the interpreter.  What hangs there, as in
the teardown of a test that failed, is ended by a watchdog of our own.
"""

import faulthandler
import gc
import os
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from time import monotonic
from typing import TextIO

import pytest
from hypothesis import HealthCheck, settings

from model_tests.process_calls import House

#: quick tries the same examples each time; ci and soak try new ones each time.
settings.register_profile(
    "quick", max_examples=50, stateful_step_count=30, derandomize=True, deadline=None
)
settings.register_profile(
    "ci",
    max_examples=300,
    stateful_step_count=50,
    print_blob=True,
    deadline=None,
    derandomize=False,
)
settings.register_profile(
    "soak",
    max_examples=5_000,
    stateful_step_count=100,
    print_blob=True,
    deadline=None,
    derandomize=False,
    suppress_health_check=[HealthCheck.too_slow],
)
PROFILE = os.environ.get("FOREGONE_PROFILE", "quick")
if PROFILE not in ("quick", "ci", "soak"):
    raise pytest.UsageError(f"FOREGONE_PROFILE is {PROFILE!r}: choose quick, ci or soak")
settings.load_profile(PROFILE)

#: Seconds for the threads of a test to end after it.
PATIENCE = 5.0
#: Seconds for a test with all that belongs to it: pytest-timeout comes first, if it comes.
WATCHDOG = 150.0
#: Seconds from the last test to the end of the interpreter.
EXIT = 60.0
#: Where stacks are written while pytest holds what was stderr.
STDERR = pytest.StashKey[TextIO]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep a way to stderr, before output is captured."""
    config.stash[STDERR] = os.fdopen(os.dup(2), "w")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """End the run, with all stacks, if a test does not end, or its teardown."""
    _watch(item.config, WATCHDOG)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node: pytest.Item | pytest.Collector) -> None:
    """Begin again: pytest's own plugin has just stopped every clock, for a debugger."""
    _watch(node.config, WATCHDOG)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End the run, with all stacks, if the interpreter does not end."""
    _watch(config, EXIT)


def _watch(config: pytest.Config, seconds: float) -> None:
    faulthandler.dump_traceback_later(seconds, exit=True, file=config.stash[STDERR])


def pytest_report_header() -> str:
    """Say how much is tried."""
    return f"foregone: profile {PROFILE} (FOREGONE_PROFILE=quick, ci or soak)"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how to run what failed again, and nothing else."""
    failed = [
        report.nodeid
        for kind in ("failed", "error")
        for report in terminalreporter.getreports(kind)
        if isinstance(report, pytest.TestReport)
    ]
    if failed:
        terminalreporter.section("to replay")
        for node in dict.fromkeys(failed):
            terminalreporter.line(f"FOREGONE_PROFILE={PROFILE} make test ARGS=\"'{node}'\"")
        if PROFILE != "quick":
            terminalreporter.line(
                "an example that Hypothesis found is kept in .hypothesis and tried first; "
                "elsewhere, add the @reproduce_failure that it printed"
            )


def _counts(thread: threading.Thread) -> bool:
    """Say whether a thread that outlives its test is a leak."""
    return not thread.daemon or thread.name.startswith(("ThreadPoolExecutor-", "foregone"))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Yield a place where the calls of a test say that they have begun, and may be held."""
    made = House(tmp_path)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    """Fail the test that leaves a thread behind, by the name of the thread."""
    before = set(threading.enumerate())
    yield
    left = {thread for thread in threading.enumerate() if thread not in before}
    if not left:
        return
    gc.collect()  # an executor that nobody holds lets its threads go
    until = monotonic() + PATIENCE
    leaked = []
    for thread in left:
        if _counts(thread):
            thread.join(max(0.0, until - monotonic()))
            if thread.is_alive():
                leaked.append(thread.name)
    if leaked:
        pytest.fail(f"left running: {', '.join(sorted(leaked))}", pytrace=False)
