"""``dump_all`` and its kin: what a program that hangs says of its pools."""

import io
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import pytest

import foregone
from foregone import ProcessPoolExecutor, ThreadPoolExecutor, interpreter_exit

PATIENCE = 30.0
_IMPORTS = "import os, signal, sys, threading; import foregone; "


@pytest.fixture
def written(tmp_path: Path) -> Iterator[io.TextIOWrapper]:
    with (tmp_path / "dump.txt").open("w+", encoding="utf-8") as file:
        yield file


def text_of(file: io.TextIOWrapper) -> str:
    return Path(file.name).read_text(encoding="utf-8")


def test_every_live_pool_is_shown(written: io.TextIOWrapper) -> None:
    over = ThreadPoolExecutor(1, "over")
    over.submit(int)
    over.shutdown()
    goes = threading.Event()
    with ThreadPoolExecutor(1, "mine") as mine, ProcessPoolExecutor(1, get_context("fork")) as its:
        its.submit(abs, -1).result()
        mine.submit(goes.wait)
        foregone.dump_all(written)
        goes.set()
    text = text_of(written)
    assert f"in process {os.getpid()}" in text
    assert "mine: OPEN" in text
    assert "mine_0: running 1" in text or "mine_0: seeking" in text or "mine_0: holding" in text
    assert f"{its.inspect().name}: consistent" in text
    assert "Local Worker Thread" in text
    assert "over" not in text


def test_it_goes_past_the_buffer_of_the_file(written: io.TextIOWrapper) -> None:
    written.write("before")
    foregone.dump_all(written)
    assert "before" not in text_of(written)
    assert "Pools of foregone" in text_of(written)


def test_a_file_without_a_descriptor_is_written_to() -> None:
    file = io.StringIO()
    foregone.dump_all(file)
    assert file.getvalue().startswith("Pools of foregone in process")


def test_it_goes_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    foregone.dump_all()
    assert capfd.readouterr().err.startswith("Pools of foregone in process")


def test_a_pool_that_cannot_be_read_hides_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Odd:
        def __repr__(self) -> str:
            return "<odd>"

    odd, there = Odd(), interpreter_exit.pools.all()
    with ThreadPoolExecutor(1, "mine") as mine:
        every = [odd, *there, mine._pool]
        monkeypatch.setattr(interpreter_exit, "pools", _Pools(every))
        file = io.StringIO()
        foregone.dump_all(file)
        monkeypatch.undo()
    assert "<odd> cannot be read: AttributeError" in file.getvalue()
    assert "mine: OPEN" in file.getvalue()


class _Pools:
    def __init__(self, every: list[object]) -> None:
        self.every = every

    def all(self) -> list[object]:
        return self.every


def _run(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", _IMPORTS + code],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_a_signal_while_the_main_thread_waits_for_a_result() -> None:
    """The main thread hangs in result(), with every lock of the pool held by another one."""
    done = _run(
        "executor = foregone.ThreadPoolExecutor(1, 'mine'); goes = threading.Event(); "
        "foregone.dump_on_signal(signal.SIGUSR1); "
        "future = executor.submit(goes.wait)\n"
        "def strike():\n"
        "    with executor._pool.lock:\n"
        "        os.kill(os.getpid(), signal.SIGUSR1)\n"
        "        said.wait()\n"
        "    goes.set()\n"
        "said = threading.Event(); write = foregone.dump._write\n"
        "def told(file, text): write(file, text); said.set()\n"
        "foregone.dump._write = told\n"
        "threading.Thread(target=strike).start(); print(future.result())"
    )
    assert done.stdout == "True\n", done.stderr
    assert "mine: OPEN" in done.stderr
    assert "threading.py" in done.stderr


def test_the_handler_that_stood_there_runs_too_if_it_is_asked_for() -> None:
    done = _run(
        "signal.signal(signal.SIGUSR1, lambda *_: print('former')); "
        "foregone.dump_on_signal(signal.SIGUSR1, chain=True); signal.raise_signal(signal.SIGUSR1)"
    )
    assert done.stdout == "former\n"
    assert done.stderr.startswith("Pools of foregone")
    alone = _run(
        "signal.signal(signal.SIGUSR1, lambda *_: print('former')); "
        "foregone.dump_on_signal(signal.SIGUSR1); signal.raise_signal(signal.SIGUSR1)"
    )
    assert alone.stdout == ""
    assert alone.stderr.startswith("Pools of foregone")


def test_a_signal_that_ends_the_process_still_does_if_it_is_asked_for() -> None:
    done = _run(
        "foregone.dump_on_signal(signal.SIGTERM, chain=True); signal.raise_signal(signal.SIGTERM)"
    )
    assert done.returncode == -signal.SIGTERM
    assert done.stderr.startswith("Pools of foregone")


def test_a_handler_raises_nothing_into_the_program(tmp_path: Path) -> None:
    done = _run(
        f"file = open({str(tmp_path / 'file')!r}, 'w'); "
        "foregone.dump_on_signal(signal.SIGUSR1, file); file.close(); "
        "signal.raise_signal(signal.SIGUSR1); sys.stderr = None; "
        "foregone.dump_on_signal(signal.SIGUSR1); signal.raise_signal(signal.SIGUSR1); "
        "foregone.dump_all(); print('goes on')"
    )
    assert done.stdout == "goes on\n", done.stderr


def test_what_a_dump_needs_is_imported_before() -> None:
    """When a program hangs there may be no descriptor left."""
    done = _run(
        "executor = foregone.ProcessPoolExecutor(1); "
        "foregone.dump_on_signal(signal.SIGUSR1); "
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3)); "
        "signal.raise_signal(signal.SIGUSR1)"
    )
    assert "consistent" in done.stderr
    assert "cannot be read" not in done.stderr


def test_a_signal_that_cannot_be_caught_is_refused() -> None:
    with pytest.raises((ValueError, OSError)):
        foregone.dump_on_signal(signal.SIGKILL)


class _Told(io.StringIO):
    """A file that says when it was written to."""

    def __init__(self, times: int = 1) -> None:
        super().__init__()
        self.left = times
        self.all = threading.Event()

    def write(self, text: str, /) -> int:
        self.left -= 1
        if not self.left:
            self.all.set()
        return super().write(text)


def test_later_once() -> None:
    file = _Told()
    foregone.dump_later(0, file)
    assert file.all.wait(PATIENCE)
    foregone.cancel_dump_later()
    assert len(re.findall("Pools of foregone", file.getvalue())) == 1


def test_later_again_and_again() -> None:
    file = _Told(3)
    foregone.dump_later(0.001, file, repeat=True)
    assert file.all.wait(PATIENCE)
    foregone.cancel_dump_later()


def test_later_cancelled_or_replaced() -> None:
    first, second = _Told(), _Told()
    foregone.dump_later(PATIENCE, first)
    foregone.dump_later(0, second)
    assert second.all.wait(PATIENCE)
    foregone.cancel_dump_later()
    foregone.cancel_dump_later()  # there is nothing to cancel
    assert first.getvalue() == ""
    names = [each.name for each in threading.enumerate()]
    assert names.count("foregone_dump_later") <= 2  # they end by themselves


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_no_time_to_wait_is_an_error(seconds: float) -> None:
    with pytest.raises(ValueError, match="dump_later"):
        foregone.dump_later(seconds)


def test_a_dump_without_a_pause_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 0, not 0"):
        foregone.dump_later(0, repeat=True)


def test_the_end_of_the_program_waits_for_no_dump() -> None:
    assert _run("foregone.dump_later(1000)").returncode == 0
