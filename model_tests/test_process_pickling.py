"""What is sent to a process and back: the same values, uncopied if large; errors that say where."""

import array
import copyreg
import functools
import io
import pickle
import random
import socket
import sys
import threading
import types
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from multiprocessing.reduction import ForkingPickler
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregone.called import call_name, qualified
from foregone.process_pool import pickling
from foregone.process_pool.pickling import (
    OUT_OF_BAND,
    Data,
    Reducer,
    is_problem,
    pack,
    problem,
    reducer_of,
    unpack,
)

LARGE = OUT_OF_BAND
PATIENCE = 30.0


def received(views: tuple[memoryview, ...], *, as_bytes: bool = False) -> list[Data]:
    """Return the buffers as the wire delivers them: each in memory of its own."""
    return [bytes(each) if as_bytes and each.readonly else bytearray(each) for each in views]


def sent(value: object, reducer: Reducer | None = None, *, as_bytes: bool = False) -> Any:  # noqa: ANN401
    """Return ``value`` as it arrives."""
    data, views = pack(value, reducer)
    return unpack(data, received(views, as_bytes=as_bytes), reducer)


# ------------------------------------------------------------------ small values


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
        | st.binary() | st.binary().map(bytearray),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    )
)  # fmt: skip
def test_what_arrives_is_what_was_sent(value: object) -> None:
    data, views = pack(value, None)
    assert not views
    assert pickle.loads(data) == value  # any unpickler can read what is small
    assert unpack(data, (), None) == value
    assert unpack(memoryview(bytearray(data)), (), None) == value


class Counted:
    """Says how often it was pickled; pickles others meanwhile."""

    def __init__(self, inner: object = None) -> None:
        self.inner = inner

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Counted, (pack(self.inner, None)[0],)


def test_pickling_within_pickling_and_within_signals_of_it() -> None:
    nested = Counted(Counted(Counted(5)))
    layer: Any = sent([nested, 1])[0]
    for _ in range(3):
        layer = unpack(cast("bytes", layer.inner), (), None)
    assert layer == 5
    assert sent([1]) == [1]


def test_threads_do_not_share_a_pickler() -> None:
    """While one pickles, slowly, others pickle too."""
    inside, release = threading.Event(), threading.Event()

    class Slow:
        def __reduce__(self) -> tuple[type, tuple[object, ...]]:
            inside.set()
            assert release.wait(PATIENCE)
            return list, ()

    got: list[object] = []
    thread = threading.Thread(target=lambda: got.append(sent((Slow(), "slow"))))
    thread.start()
    assert inside.wait(PATIENCE)
    assert [sent((each, "quick")) for each in range(50)] == [(each, "quick") for each in range(50)]
    release.set()
    thread.join(PATIENCE)
    assert got == [([], "slow")]


class Refuses:
    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        raise LookupError("not me")


def test_what_is_raised_while_pickling_is_raised_and_leaves_nothing_behind() -> None:
    for _ in range(3):
        with pytest.raises(LookupError, match="not me"):
            pack(("before", Refuses()), None)
        with pytest.raises((pickle.PicklingError, AttributeError)):
            pack(lambda: None, None)
        assert sent("after") == "after"
        assert pack(1, None) == (pickle.dumps(1, 5), ())


def test_nothing_that_was_pickled_is_kept() -> None:
    class Tracked(list[int]):
        pass

    before = sys.getrefcount(Tracked)
    shared: list[object] = []
    count = sys.getrefcount(shared)
    pack([shared, shared], None)
    assert sys.getrefcount(shared) == count
    pack([shared, bytes(LARGE), shared], None)
    assert sys.getrefcount(shared) == count
    assert sys.getrefcount(Tracked) == before


def test_two_values_in_a_row_share_nothing() -> None:
    """A pickler that is used again has forgotten what it has seen."""
    shared = "a string that is long enough"
    first, second = pack(shared, None), pack(shared, None)
    assert first == second
    assert unpack(second[0], (), None) == shared


def test_a_long_stream_does_not_leave_a_slow_pickler_behind() -> None:
    long = [str(each) for each in range(3000)]
    pack(0, None)
    idle = len(pickling._idle)
    assert idle
    assert sent(long) == long
    assert len(pickling._idle) == idle - 1
    pack(0, None)
    assert len(pickling._idle) == max(idle, 1)


# ------------------------------------- what multiprocessing can send that pickle cannot


def test_sockets_and_connections_travel() -> None:
    left, right = socket.socketpair()
    with left, right, sent(left) as copy:
        copy.sendall(b"a socket")
        assert right.recv(100) == b"a socket"
    ours, theirs = Pipe()
    with ours, theirs, sent(("a", [theirs]))[1][0] as again:
        assert again.fileno() not in (theirs.fileno(), ours.fileno())
        again.send("a connection")
        assert ours.recv() == "a connection"


class Registered:
    """What can only be sent by a reducer that somebody registers."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __reduce__(self) -> str:
        raise TypeError("only by registration")


def _registered(each: Registered) -> tuple[type[Registered], tuple[int]]:
    return Registered, (each.value,)


def _registered_again(each: Registered) -> tuple[type[Registered], tuple[int]]:
    return Registered, (each.value + 1,)


@pytest.fixture
def unregister() -> Iterator[None]:
    yield
    cast("Any", ForkingPickler)._extra_reducers.pop(Registered, None)
    copyreg.dispatch_table.pop(Registered, None)


@pytest.mark.usefixtures("unregister")
def test_reducers_are_looked_up_when_they_are_needed() -> None:
    with pytest.raises(TypeError, match="only by registration"):
        pack(Registered(1), None)
    copyreg.pickle(Registered, _registered_again)
    assert sent(Registered(1)).value == 2
    ForkingPickler.register(Registered, _registered)  # goes before copyreg's
    assert sent(Registered(1)).value == 1
    ForkingPickler.register(Registered, _registered_again)  # in the place of another
    assert sent([Registered(1)])[0].value == 2


def test_the_rest_of_what_multiprocessing_registers() -> None:
    assert sent("ab".upper)() == "AB"
    assert sent(functools.partial(int, base=2))("11") == 3
    assert sent(array.array("i", [1, 2])) == array.array("i", [1, 2])
    assert sent(list.append) is list.append


# ------------------------------------------------------------------ large values


@pytest.mark.parametrize("as_bytes", [False, True])
@pytest.mark.parametrize("size", [LARGE, LARGE + 1, 300_000])
@pytest.mark.parametrize("kind", ["bytes", "bytearray", "str", "wide", "surrogates"])
def test_a_large_object_is_not_in_the_stream(kind: str, size: int, as_bytes: bool) -> None:
    raw = random.Random(size).randbytes(size)
    made: dict[str, object] = {
        "bytes": raw,
        "bytearray": bytearray(raw),
        "str": raw.decode("latin-1"),
        "wide": "\U0001f600" * size,
        "surrogates": "\udc80x" * size,
    }
    value = made[kind]
    for outer in (value, (value,), [1, {"a": value, "b": [value]}], ("x" * 300, value, "y" * 300)):
        data, views = pack(outer, None)
        assert len(data) < 1000
        assert len(views) == 1
        got = unpack(data, received(views, as_bytes=as_bytes), None)
        assert got == outer
    assert type(sent(value, as_bytes=as_bytes)) is type(value)


def test_bytes_and_bytearray_are_not_copied_on_the_way_out() -> None:
    for value in (bytes(LARGE), bytearray(LARGE)):
        _, (view,) = pack((print, (value,), {}), None)
        assert view.obj is value
        assert view.readonly is isinstance(value, bytes)


def test_nor_on_the_way_in() -> None:
    data, _ = pack(bytes(LARGE), None)
    delivered = bytes(LARGE)
    assert unpack(data, [delivered], None) is delivered
    data, _ = pack(bytearray(LARGE), None)
    buffer = bytearray(LARGE)
    assert unpack(data, [buffer], None) is buffer


def test_two_names_of_one_large_object_are_one_object_there() -> None:
    value = bytearray(LARGE)
    first, inner = sent((value, {"inner": [value]}))
    inner["inner"][0][0] = 7
    assert first[0] == 7
    assert len(pack([value] * 9, None)[1]) == 1


def test_just_below_the_limit_travels_in_the_stream() -> None:
    for value in (bytes(LARGE - 1), bytearray(LARGE - 1), "a" * (LARGE - 1)):
        data, views = pack(value, None)
        assert not views
        assert len(data) > LARGE - 1
        assert unpack(data, (), None) == value


class Offers:
    """Offers its memory as a buffer, as arrays do."""

    def __init__(self, memory: Data) -> None:
        self.memory = memory

    def __reduce_ex__(self, protocol: object) -> tuple[type["Offers"], tuple[object]]:
        return Offers, (pickle.PickleBuffer(self.memory),)


def test_a_large_buffer_that_an_object_offers_is_not_copied() -> None:
    memory = bytearray(LARGE)
    data, (view,) = pack(Offers(memory), None)
    assert len(data) < 200
    assert view.obj is memory
    buffer = bytearray(LARGE)
    got = cast("Offers", unpack(data, [buffer], None))
    assert got.memory is buffer  # writable
    small = sent(Offers(bytearray(b"small")))
    assert small.memory == b"small"
    assert not pack(Offers(bytearray(LARGE - 1)), None)[1]
    frozen = sent(Offers(bytes(LARGE)), as_bytes=True)
    assert memoryview(frozen.memory).readonly
    grid = memoryview(bytearray(2 * LARGE)).cast("B", (2, LARGE))
    assert pack(Offers(grid), None)[1][0].nbytes == 2 * LARGE


def test_a_buffer_with_holes_is_refused_by_the_pickler() -> None:
    with pytest.raises(pickle.PicklingError, match="contiguous"):
        pack(Offers(memoryview(bytearray(4 * LARGE))[::2]), None)


def leaf(source: random.Random) -> object:
    size = source.choice((0, 3, LARGE - 1, LARGE, LARGE + 7, 3 * LARGE))
    raw = source.randbytes(size)
    kinds: list[Callable[[], object]] = [
        lambda: raw, lambda: bytearray(raw), lambda: raw.decode("latin-1"),
        lambda: Offers(bytearray(raw)), lambda: list(range(size // 4)), lambda: size,
        # Looks like the end of a frame with a header.
        lambda: [raw[:60_000] + b"B" + LARGE.to_bytes(4, "little")] * 2,
        lambda: b"\x8e" + LARGE.to_bytes(8, "little"),
    ]  # fmt: skip
    return source.choice(kinds)()


def same(one: object, other: object) -> bool:
    if isinstance(one, Offers) and isinstance(other, Offers):
        return bytes(one.memory) == bytes(other.memory)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("seed", range(40))
def test_any_mixture_of_large_and_small_arrives(seed: int) -> None:
    source = random.Random(seed)
    value = [leaf(source) for _ in range(source.randrange(12))]
    value += source.choices(value, k=3) if value else []
    data, views = pack(value, None)
    assert not any(view.nbytes < LARGE for view in views)
    for as_bytes in (False, True):
        got = unpack(data, received(views, as_bytes=as_bytes), None)
        assert same(got, value)


@pytest.mark.parametrize("fill", [b"B", b"X", b"\x8e", b"\x96", b"\x95", b"\x80"])
def test_a_frame_that_looks_like_a_header_is_not_one(fill: bytes) -> None:
    """The lengths of frames and of large parts meet in every way around one frame's end."""
    header = fill + LARGE.to_bytes(8 if fill in (b"\x8e", b"\x96") else 4, "little")
    for pad in range(24):
        value = [bytes(LARGE - 40 + pad), header, bytes(LARGE), header, "x" * pad, bytes(LARGE)]
        assert sent(value) == value


def test_a_header_tells_the_length_of_what_follows() -> None:
    before = b"\x80\x05B" + (LARGE + 1).to_bytes(4, "little")
    assert pickling._header(before, bytes(LARGE + 1)) == (b"B", 5)
    assert pickling._header(before, bytes(LARGE)) is None


def test_a_stream_that_is_not_understood_is_sent_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pickler that frames otherwise costs a copy, and nothing else."""
    monkeypatch.setattr(pickling, "_REPLACED", {})
    value = [bytes(LARGE), bytearray(LARGE), "x" * LARGE, Offers(bytearray(LARGE)), bytes(LARGE)]
    data, views = pack(value, None)
    assert len(views) == 1
    assert len(data) > 4 * LARGE
    assert same(unpack(data, received(views), None), value)


# ---------------------------------------------------------------------- reducers


class Reversed:
    """A serializer of one's own, as simple as can be."""

    def dumps(self, value: object) -> bytes:
        return bytes(reversed(pickle.dumps(value)))

    def loads(self, data: bytes) -> object:
        return pickle.loads(bytes(reversed(data)))


class Modern:
    """One that takes what cloudpickle takes."""

    def __init__(self) -> None:
        self.protocols: list[object] = []

    def dumps(
        self,
        obj: object,
        protocol: int | None = None,
        buffer_callback: Any = None,  # noqa: ANN401
    ) -> bytes:
        self.protocols.append(protocol)
        out = io.BytesIO()
        pickler = pickle.Pickler(out, protocol, buffer_callback=buffer_callback)
        pickler.dump(("modern", obj))
        return out.getvalue()

    def loads(self, data: Data, *, buffers: Any = ()) -> object:  # noqa: ANN401
        tag, value = pickle.loads(data, buffers=buffers)
        assert tag == "modern"
        return value


def test_a_reducer_of_ones_own() -> None:
    reducer = reducer_of(Reversed())
    data, views = pack({"a": [1]}, reducer)
    assert data.startswith(b".")
    assert not views
    assert sent({"a": [1]}, reducer) == {"a": [1]}
    modern = Modern()
    reducer = reducer_of(modern)
    assert sent([2], reducer) == [2]
    memory = bytearray(LARGE)
    data, (view,) = pack(Offers(memory), reducer)
    assert view.obj is memory
    assert bytes(cast("Offers", unpack(data, [bytearray(view)], reducer)).memory) == bytes(LARGE)
    assert modern.protocols == [5, 5]
    assert reducer_of(None) is None


def test_a_reducer_travels() -> None:
    by_name = pickle.loads(pickle.dumps(reducer_of(pickle)))
    assert by_name.serializer is pickle
    assert sent((1,), by_name) == (1,)
    by_value = pickle.loads(pickle.dumps(reducer_of(Reversed())))
    assert isinstance(by_value.serializer, Reversed)
    assert sent((1,), by_value) == (1,)


@pytest.mark.parametrize("wrong", [3, "cloudpickle", object(), types])
def test_what_is_no_reducer_is_refused_with_a_remedy(wrong: object) -> None:
    with pytest.raises(TypeError, match=r"reducer must be .* not .*has no dumps.*=cloudpickle"):
        reducer_of(cast("Any", wrong))

    class Half:
        dumps = staticmethod(pickle.dumps)

    with pytest.raises(TypeError, match="has no loads"):
        reducer_of(cast("Any", Half()))


# ------------------------------------------------------------------------- errors


class Stubborn(Exception):
    """Refuses notes, and everything else."""

    def __setattr__(self, name: str, value: object) -> None:
        raise TypeError("no")

    def add_note(self, note: str, /) -> None:
        raise TypeError("no")

    def __repr__(self) -> str:
        raise ValueError("no repr")

    __str__ = __repr__


class Closed(Exception):
    """Has its own idea of notes."""

    @property
    def __notes__(self) -> list[str]:  # type: ignore[override]  # closed is what it is
        raise RuntimeError("closed")


def test_a_problem_keeps_the_error_and_says_where() -> None:
    error = pickle.PicklingError("cannot")
    for _ in range(2):  # the same error may be raised again
        assert problem(error, "pickling the arguments", "m.f", "the parent") is error
    assert error.__notes__ == ["while pickling the arguments of call m.f in the parent"]
    assert is_problem(error, "pickling the arguments")
    assert not is_problem(error, "unpickling the arguments")
    assert not is_problem(ValueError(), "pickling the arguments")
    problem(error, "unpickling the result", "m.f", "process 3")
    assert error.__notes__[1] == "while unpickling the result of call m.f in process 3"


def test_errors_that_refuse_notes() -> None:
    stubborn = Stubborn()
    assert problem(stubborn, "pickling the result", "f", "process 1") is stubborn
    assert stubborn.__notes__ == ["while pickling the result of call f in process 1"]
    closed = Closed()
    assert problem(closed, "pickling the result", "f", "process 1") is closed
    assert not is_problem(closed, "pickling the result")
    odd = ValueError()
    odd.__notes__ = 5  # type: ignore[assignment]  # what foreign code may do
    assert problem(odd, "pickling the result", "f", "process 1") is odd
    odd.__notes__ = [5]  # type: ignore[list-item]  # what foreign code may do
    assert not is_problem(odd, "pickling the result")
    problem(odd, "pickling the result", "f", "process 1")
    assert cast("list[object]", odd.__notes__)[0] == 5
    assert is_problem(odd, "pickling the result")


class Callable_:  # noqa: N801
    def __call__(self) -> None: ...


class Liar(type):
    @property
    def __module__(cls) -> str:  # type: ignore[override]  # a liar
        raise RuntimeError("no module")


class Nowhere(metaclass=Liar):
    def __getattr__(self, name: str) -> object:
        raise RuntimeError(name)


def test_names_of_calls() -> None:
    assert call_name(len) == "len"
    assert call_name(io.StringIO) == "_io.StringIO"
    assert call_name(test_names_of_calls) == f"{__name__}.test_names_of_calls"
    assert call_name(functools.partial(functools.partial(pow, 2), 3)) == "pow"
    assert call_name(Callable_()) == f"{__name__}.Callable_"
    assert call_name("text".upper) == "str.upper"
    assert call_name(3) == "int"
    assert call_name(Nowhere()) == f"{__name__}.Nowhere"
    assert qualified(ValueError) == "ValueError"
