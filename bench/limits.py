"""The physical limit: processes, a socket pair to each, pickle, and nothing else.

No futures, no cancelling, no deaths, no order, no threads: what is left of a process
pool when all that makes it one is taken away.  Each answer is sent at once, as in a pool.
"""

import mmap
import os
import pickle
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from typing import Final, NoReturn, cast

from bench import tasks
from bench.settings import Figures, Setting, of_ideal, payloads, skewed

WINDOW: Final = 32  # calls that a process may have before it
CHUNK: Final = 1000  # items of a map that travel together
HEAD: Final = struct.Struct("=I")
HUGE: Final = 2 << 20  # bytes of a huge page


def serve(lane: socket.socket) -> NoReturn:
    """Run calls until there are no more."""
    loads, dumps, unpack, pack = pickle.loads, pickle.dumps, HEAD.unpack_from, HEAD.pack
    held = b""
    while True:
        more = lane.recv(1 << 18)
        if not more:
            os._exit(0)
        held = held + more if held else more
        place, end = 0, len(held)
        while end - place >= 4:
            (size,) = unpack(held, place)
            if end - place - 4 < size:
                break
            function, args = loads(held[place + 4 : place + 4 + size])
            frame = dumps(function(*args), 5)
            lane.sendall(pack(len(frame)) + frame)
            place += 4 + size
        held = held[place:]


def serve_buffers(lane: socket.socket) -> NoReturn:
    """Answer each buffer with its mark, or with itself: one byte says which."""
    while True:
        head = lane.recv(9, socket.MSG_WAITALL)
        if not head:
            os._exit(0)
        size = int.from_bytes(head[1:], "little")
        data = take(lane, size)
        if head[:1] == b"e":
            lane.sendall(data)
        else:
            lane.sendall(tasks.mark(tasks.Block(data)).to_bytes(8, "little"))


def take(lane: socket.socket, size: int) -> memoryview:
    """Receive so many bytes into a buffer of their own.

    Most of what a large buffer costs are the faults of its fresh pages, so: huge pages.
    """
    if size > HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
        fresh = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        fresh.madvise(mmap.MADV_HUGEPAGE)
        view = memoryview(fresh)
    else:
        view = memoryview(bytearray(size))
    place = 0
    while place < size:
        place += lane.recv_into(view[place:])
    return view


class Bare:
    """Processes and the lanes to them."""

    def __init__(self, workers: int, work: Callable[[socket.socket], NoReturn] = serve) -> None:
        self.lanes: list[socket.socket] = []
        self.pids: list[int] = []
        for _ in range(workers):
            here, there = socket.socketpair()
            pid = os.fork()
            if pid == 0:
                for lane in (*self.lanes, here):
                    lane.close()
                try:
                    work(there)
                finally:
                    os._exit(1)
            there.close()
            self.lanes.append(here)
            self.pids.append(pid)

    def __enter__(self) -> "Bare":
        return self

    def __exit__(self, *_: object) -> None:
        for lane in self.lanes:
            lane.close()
        for pid in self.pids:
            os.waitpid(pid, 0)

    def run(self, calls: Sequence[tuple[object, ...]], window: int = WINDOW) -> list[object]:
        """Run all calls, ``window`` at a time in each process; return results as they come."""
        loads, dumps, unpack, pack = pickle.loads, pickle.dumps, HEAD.unpack_from, HEAD.pack
        poll = select.poll()
        lanes = {lane.fileno(): lane for lane in self.lanes}
        held = dict.fromkeys(lanes, b"")
        room = dict.fromkeys(lanes, window)
        results: list[object] = []
        sent, count = 0, len(calls)
        for number in lanes:
            poll.register(number, select.POLLIN)
        ready = list(lanes)
        while True:
            for number in ready:
                frames: list[bytes] = []
                while room[number] and sent < count:
                    frame = dumps(calls[sent], 5)
                    frames += (pack(len(frame)), frame)
                    sent += 1
                    room[number] -= 1
                if frames:
                    lanes[number].sendall(b"".join(frames))
            if len(results) == count:
                return results
            ready = [number for number, _ in poll.poll()]
            for number in ready:
                data = held[number] + lanes[number].recv(1 << 18)
                place, end = 0, len(data)
                while end - place >= 4:
                    (size,) = unpack(data, place)
                    if end - place - 4 < size:
                        break
                    results.append(loads(data[place + 4 : place + 4 + size]))
                    room[number] += 1
                    place += 4 + size
                held[number] = data[place:]


def burst(setting: Setting) -> Figures:
    """Many no-ops at once."""
    calls = [(tasks.noop, ()) for _ in range(setting.calls)]
    with Bare(setting.workers) as bare:
        bare.run(calls[:100])
        start = time.perf_counter()
        results = bare.run(calls)
        took = time.perf_counter() - start
    setting.check(results == [None] * setting.calls, "not every call returned None")
    return {"time": took / setting.calls}


def trips(setting: Setting) -> Figures:
    """One no-op after the other: written, read, no waiting for readiness between."""
    call = (tasks.noop, ())
    with Bare(1) as bare:
        bare.run([call] * 100)
        (lane,) = bare.lanes
        start = time.perf_counter()
        for _ in range(setting.calls):
            frame = pickle.dumps(call, 5)
            lane.sendall(HEAD.pack(len(frame)) + frame)
            answer = pickle.loads(lane.recv(1 << 16)[4:])
            setting.check(answer is None, "a call did not return None")
        took = time.perf_counter() - start
    return {"time": took / setting.calls}


def increment_all(numbers: Sequence[int]) -> list[int]:
    """Run one chunk of a map."""
    return [tasks.increment(number) for number in numbers]


def mapped(setting: Setting) -> Figures:
    """Map over items that travel in chunks."""
    count = setting.calls
    with Bare(setting.workers) as bare:
        bare.run([(tasks.noop, ())] * 100)
        start = time.perf_counter()
        chunks = [
            (increment_all, (range(place, min(place + CHUNK, count)),))
            for place in range(0, count, CHUNK)
        ]
        total = 0
        for chunk in bare.run(chunks, 2):
            total += sum(chunk) if isinstance(chunk, list) else 0
        took = time.perf_counter() - start
    setting.check(total == count * (count + 1) // 2, "the results are not right")
    return {"time": took / count}


def makespan(setting: Setting) -> Figures:
    """Skewed run times, one call at a time in each process: nothing waits behind a long one."""
    calls = [(tasks.spin, (rounds,)) for rounds in skewed(setting)]
    with Bare(setting.workers) as bare:
        bare.run([(tasks.noop, ())] * 100)
        start = time.perf_counter()
        durations = cast("list[tuple[float, float]]", bare.run(calls, 1))
        took = time.perf_counter() - start
    return of_ideal(took, durations, setting.workers)


def payload(setting: Setting) -> Figures:
    """Small payloads pickled, large ones in one send and into one buffer."""
    echoes = setting.variant == "echo"
    if setting.size < tasks.LARGE:
        sent = list(payloads(setting))
        calls = [(tasks.echo if echoes else tasks.mark, (each,)) for each in sent]
        with Bare(setting.workers) as bare:
            bare.run(calls[:100])
            start = time.perf_counter()
            results = bare.run(calls)
            took = time.perf_counter() - start
        marks = map(tasks.mark, cast("list[tasks.Payload]", results)) if echoes else results
        right = set(marks) == set(map(tasks.mark, sent))
        setting.check(right and len(results) == len(sent), "a payload came out changed")
        return {"time": took / setting.calls}
    with Bare(1, serve_buffers) as bare:
        (lane,) = bare.lanes
        took = 0.0
        for each in payloads(setting):
            data = each.data if isinstance(each, tasks.Block) else each
            start = time.perf_counter()
            lane.sendall((b"e" if echoes else b"m") + len(data).to_bytes(8, "little"))
            lane.sendall(data)
            got = take(lane, len(data) if echoes else 8)
            took += time.perf_counter() - start
            marked = tasks.mark(tasks.Block(got)) if echoes else int.from_bytes(got, "little")
            setting.check(marked == tasks.mark(each), "a payload came out changed")
    return {"time": took / setting.calls}


def started(setting: Setting) -> Figures:
    """Start processes, run a call, end them."""
    start = time.perf_counter()
    with Bare(setting.workers) as bare:
        bare.run([(tasks.noop, ())])
    return {"time": time.perf_counter() - start}


#: The workloads that have a limit, by kind.
LIMITS: Final[dict[str, Callable[[Setting], Figures]]] = {
    "burst": burst,
    "trips": trips,
    "map": mapped,
    "skewed": makespan,
    "payload": payload,
    "start": started,
}
