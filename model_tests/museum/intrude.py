"""Run code at every place of a call where a signal handler or a finalizer may come in.

``at_line`` comes in before every line of the library, also in the middle of a step
with the lock held, where no handler can: what holds there holds everywhere.

``interrupt`` raises KeyboardInterrupt exactly where CPython looks for signals: where
a function begins, after a call of C code, and where a loop goes back, in the library.
Not in what it calls: CPython's own ``Thread.start`` does not survive Ctrl-C at every
place (one between a ``Condition`` taking its lock and the ``with`` knowing leaves it
locked), and a callback that Ctrl-C meets has raised it.
"""

import dis
import gc
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Final

import foregone

LIBRARY: Final = str(Path(foregone.__file__).parent)


def at_line(number: int, act: Callable[[], object], call: Callable[[], object]) -> bool:
    """Make ``call``, and ``act`` before its line ``number``; say whether it has so many."""
    seen = 0

    def of_frame(frame: FrameType, event: str, _: object) -> object:
        nonlocal seen
        if event == "line":
            seen += 1
            if seen == number:
                act()
        return of_frame

    def begin(frame: FrameType, event: str, _: object) -> object:
        return of_frame if frame.f_code.co_filename.startswith(LIBRARY) else None

    before = sys.gettrace()
    gc.disable()  # else a pool that is collected in some foreign place is a line of the call
    sys.settrace(begin)  # type: ignore[arg-type]  # of its own recursive type
    try:
        call()
    finally:
        sys.settrace(before)
        gc.enable()
    return seen >= number


#: How an instruction ends after which CPython looks for signals.
_LOOKS: Final = ("CALL", "CALL_KW", "CALL_FUNCTION_EX", "JUMP_BACKWARD")
_names: Final[dict[CodeType, dict[int, str]]] = {}


def _name_at(code: CodeType, offset: int) -> str:
    if code not in _names:
        _names[code] = {each.offset: each.opname for each in dis.get_instructions(code)}
    return _names[code].get(offset, "")


def interrupt(number: int, call: Callable[[], object]) -> str:
    """Make ``call``, with Ctrl-C at its place ``number``; return the place, "" if it has none."""
    seen = 0
    place = ""
    last: dict[FrameType, str] = {}

    def look(frame: FrameType, kind: str) -> None:
        nonlocal seen, place
        seen += 1
        if seen == number:
            name = Path(frame.f_code.co_filename).name
            place = f"{name}:{frame.f_lineno} {frame.f_code.co_name} ({kind})"
            raise KeyboardInterrupt

    def returns(frame: FrameType) -> None:
        # A Python function returns without a look; a class that was called does not.
        if frame.f_back in last and frame.f_code.co_name not in ("__init__", "__new__"):
            last[frame.f_back] = ""

    def elsewhere(frame: FrameType, event: str, _: object) -> object:
        if event == "return":
            returns(frame)
        return elsewhere

    def of_frame(frame: FrameType, event: str, _: object) -> object:
        if event == "opcode":
            before = last.get(frame, "")
            last[frame] = _name_at(frame.f_code, frame.f_lasti)
            if before in _LOOKS:
                look(frame, f"after {before}")
        elif event == "return":
            returns(frame)
        return of_frame

    def begin(frame: FrameType, event: str, _: object) -> object:
        if not frame.f_code.co_filename.startswith(LIBRARY):
            return elsewhere
        frame.f_trace = of_frame  # first, or CPython 3.13 traces no opcode of it
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        last[frame] = ""
        look(frame, "where it begins")
        return of_frame

    before = sys.gettrace()
    logging.disable(logging.CRITICAL)
    gc.disable()  # what is collected meanwhile would meet Ctrl-C too
    sys.settrace(begin)  # type: ignore[arg-type]  # of its own recursive type
    try:
        call()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
        gc.enable()
        logging.disable(logging.NOTSET)
    return place
