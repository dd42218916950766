"""JSON Lines: an observer that writes each event on a line of a file, and who reads it again.

    executor = ProcessPoolExecutor(observer=JSONLines("calls.jsonl"))

What was told is written at once, and goes past every buffer of this process: if it is killed,
what is missing is what waits to be written, ``foregone.observing.MOST`` events at most, and what
has happened since the collector last had its turn: some milliseconds' worth, more where all
processors are busy.  Calls that end faster than their events can be written lose some of these all
the time, and the gaps in the numbers say how many.  (That the machine loses no power is another
matter: nothing is forced to the disk.)

A file that has grown to its limit is renamed, ``calls.jsonl`` to ``calls.jsonl.1`` and that to
``calls.jsonl.2``, and the oldest goes.  Each file begins with the ``Opened`` events of the
executors that go on in it.  A file that is there already is appended to.
"""

import json
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Final, TextIO, TypeAlias, cast, final
from weakref import WeakSet

from foregone.events import NOTHING, Batch, Event, Value

_LEAST: Final = 4096  # bytes: less than that holds no executor's first events
_quoted: Final[Callable[[object], str]] = json.dumps


@final
class JSONLines:
    """An observer that writes events to a file, one a line, and begins another in time.

    ``path`` is the file that is written; ``most_bytes`` is how long it may become, and ``files``
    how many there may be of it, itself included: together ``most_bytes * files`` is what they
    take.  It may observe several executors, one after the other or at once, all of one process:
    two processes need two files.  Raises TypeError and ValueError for what is no such number,
    and what opening the file raises.
    """

    def __init__(
        self, path: "str | os.PathLike[str]", *, most_bytes: int = 64 << 20, files: int = 4
    ) -> None:
        for name, given, least in (("most_bytes", most_bytes, _LEAST), ("files", files, 1)):
            value: object = given
            if not isinstance(value, int):
                raise TypeError(f"{name} must be a whole number, not {given!r}")
            if given < least:
                raise ValueError(f"{name} must be {least:,} or more, not {given:,}")
        self.path: Path = Path(path).absolute()  # whoever changes the directory later
        self.most_bytes = most_bytes
        self.files = files
        self._turn = threading.Lock()  # of the tellers of several executors, and of nobody else
        self._opened: dict[str, str] = {}  # the first line of each executor that goes on
        self._fd = -1
        self._size = 0
        self._torn = False  # the last line may have been written in part
        self._open()
        _all.add(self)

    def __repr__(self) -> str:
        return f"<JSONLines {str(self.path)!r}>"

    def __call__(self, events: list[Event]) -> None:
        """Write events; raise what writing raises."""
        for each in events:
            self.take(Batch(each.number, each.seconds, each.executor, [each[3:]]))

    def take(self, batch: Batch) -> None:
        """Write events; raise what writing raises."""
        first, seconds, executor, told = batch
        step = max(1, self.most_bytes // 1024)  # so that a file has room for them
        with self._turn:
            for start in range(0, len(told), step):
                part = told[start : start + step]
                self._write(Batch(first + start, seconds, executor, part))

    def close(self) -> None:
        """Close the file; another event opens it again."""
        with self._turn:
            self._shut()

    def _write(self, batch: Batch) -> None:
        executor, told = batch.executor, batch.told
        if told[0][0] == "Opened":
            self._opened[executor] = lines(batch._replace(told=told[:1]))
        data = lines(batch).encode()
        try:
            if self._fd < 0:
                self._open()
            if self._size and self._size + len(data) > self.most_bytes:
                self._rotate()
            self._put(data)
        finally:
            if told[-1][0] == "Closed":
                self._opened.pop(executor, None)

    def _put(self, data: bytes) -> None:
        """Write lines, after what was not written to its end, if anything was not."""
        if self._torn:
            data = b"\n" + data
        self._torn = True
        while data:
            written = os.write(self._fd, data)
            self._size += written
            data = data[written:]
        self._torn = False

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        self._fd = os.open(self.path, flags, 0o666)
        self._size = os.fstat(self._fd).st_size
        if self._size:
            with self.path.open("rb") as file:
                file.seek(-1, os.SEEK_END)
                self._torn = file.read() != b"\n"

    def _shut(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _rotate(self) -> None:
        """Begin another file, with what the executors that go on were made of."""
        self._shut()
        for number in range(self.files - 1, 0, -1):
            older = rotated(self.path, number)
            newer = rotated(self.path, number - 1)
            if newer.exists():
                newer.replace(older)
        if self.files == 1:
            self.path.unlink(missing_ok=True)
        self._torn = False  # that was another file
        self._open()
        if self._opened:
            self._put("".join(self._opened.values()).encode())


_all: Final[WeakSet[JSONLines]] = WeakSet()


def _forked() -> None:
    """Let a forked child write too, though somebody may have been at it in the parent."""
    for each in _all:
        each._turn, each._opened = threading.Lock(), {}


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def rotated(path: Path, number: int) -> Path:
    """Return what a file is called after so many others were begun."""
    return path.with_name(f"{path.name}.{number}") if number else path


def lines(batch: Batch) -> str:
    """Return events as lines of JSON; what is empty or 0 is left out."""
    number, seconds, executor, told = batch
    head = f'"t":{seconds:.6f},"in":{_quoted(executor)}'
    words = _words
    text: list[str] = []
    for action, call, worker, what, after, more in told:
        said = words.get((action, what, after)) or _said(action, what, after)
        if more:
            said = f'{said},"more":{_quoted(dict(more))}'
        if call and worker:
            text.append(f'{{"n":{number},{head},{said},"call":{call},"worker":{worker}}}\n')
        elif call:
            text.append(f'{{"n":{number},{head},{said},"call":{call}}}\n')
        elif worker:
            text.append(f'{{"n":{number},{head},{said},"worker":{worker}}}\n')
        else:
            text.append(f'{{"n":{number},{head},{said}}}\n')
        number += 1
    return "".join(text)


#: The words of events that were written before, quoted: few are different.
_words: Final[dict[tuple[str, str, str], str]] = {}
_MANY: Final = 10_000


def _said(action: str, what: str, after: str) -> str:
    """Return the words of an event, quoted, and keep them."""
    if len(_words) >= _MANY:
        _words.clear()
    said = f'"do":{_quoted(action)}'
    if what:
        said += f',"what":{_quoted(what)}'
    if after:
        said += f',"after":{_quoted(after)}'
    _words[action, what, after] = said
    return said


# --------------------------------------------------------------------- reading


class EventsError(ValueError):
    """A file does not hold events; the text says where and why."""


def read(path: "str | os.PathLike[str]") -> Iterator[Event]:
    """Yield the events of a file and of those that were renamed for it, the oldest first.

    A line that was not written to its end, as when the process was killed, is left out.  Raises
    EventsError for any other line that is no event, and OSError for a file that cannot be read.
    """
    opened: set[tuple[str, float]] = set()
    with ExitStack() as stack:
        for file in reversed(_files(Path(path), stack)):
            for event in _of_file(file):
                if event.action == "Opened":
                    if (event.executor, event.seconds) in opened:
                        continue  # it stands at the head of each file
                    opened.add((event.executor, event.seconds))
                yield event


def _files(last: Path, stack: ExitStack) -> list[TextIO]:
    """Open a file and those before it, the newest first: one renamed meanwhile is found again."""
    found: dict[tuple[int, int], TextIO] = {}
    for number in count():
        try:
            file = rotated(last, number).open(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            if rotated(last, number + 1).exists():
                continue  # it is being renamed
            if not found:
                raise
            break
        stat = os.fstat(stack.enter_context(file).fileno())
        found.setdefault((stat.st_dev, stat.st_ino), file)
    return list(found.values())


def _of_file(file: TextIO) -> Iterator[Event]:
    path = file.name
    for number, text in enumerate(file, start=1):
        said = text.strip()
        if not said or (said[0] == "{" and said[-1] != "}"):
            continue  # it was not written to its end
        try:
            yield _event(json.loads(said))
        except EventsError as error:
            raise EventsError(f"{path}, line {number}: {error}") from None
        except (ValueError, RecursionError) as error:
            if said[0] == "{" and _unfinished(said):
                continue
            raise EventsError(f"{path}, line {number} is no JSON: {error}") from None


def _unfinished(text: str) -> bool:
    """Say whether JSON ends before what it begins."""
    bare = _STRING.sub("", text)
    return '"' in bare or sum(map(bare.count, "{[")) > sum(map(bare.count, "}]"))


#: A string in JSON.
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')

_Fields: TypeAlias = tuple[int, float, str, str, int, int, str, str, Mapping[str, Value]]

#: What each field of a line is, and what it is if it is not there.
_FIELDS: Final[Mapping[str, tuple[type[object], object]]] = {
    "n": (int, None),
    "t": (float, None),
    "in": (str, None),
    "do": (str, None),
    "call": (int, 0),
    "worker": (int, 0),
    "what": (str, ""),
    "after": (str, ""),
    "more": (dict, NOTHING),
}


#: No number of an event is as large.
_MUCH: Final = 1 << 53


def _event(raw: object) -> Event:
    if type(raw) is not dict:
        raise EventsError(f"{_short(raw)} is no event: an event is an object")
    given = cast("dict[str, object]", raw)
    for name in given:
        if name not in _FIELDS:
            raise EventsError(f"{_short(name)} is no field of an event: {', '.join(_FIELDS)}")
    found: list[object] = []
    for name, (kind, default) in _FIELDS.items():
        value = given.get(name, default)
        its: type[object] = type(value)
        if value is None or (value is not default and its is not kind):
            raise EventsError(f"{name} must be of type {kind.__name__}, not {_short(value)}")
        found.append(value)
    for name, value in zip(_FIELDS, found, strict=True):
        if isinstance(value, int | float) and not 0 <= value < _MUCH:
            raise EventsError(f"{name} must be from 0 to {_MUCH:.0e}, not {_short(value)}")
    if found[-1] is not NOTHING:
        found[-1] = _more(cast("dict[str, object]", found[-1]))
    return Event(*cast("_Fields", tuple(found)))


def _more(raw: dict[str, object]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, value in raw.items():
        if isinstance(value, str | int):
            found[name] = value
        elif type(value) is list and all(type(each) is int for each in cast("_List", value)):
            found[name] = tuple(cast("list[int]", value))
        else:
            what = f"must be a text or whole numbers, not {_short(raw[name])}"
            raise EventsError(f"more[{_short(name)}] {what}")
    return found


_List: TypeAlias = list[object]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
