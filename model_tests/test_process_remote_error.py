"""Exceptions from a process: the whole chain arrives, and what cannot is named."""

import copyreg
import pickle
import threading
import traceback
from collections.abc import Callable
from concurrent.futures.process import _RemoteTraceback
from dataclasses import dataclass
from functools import partial
from multiprocessing.reduction import ForkingPickler
from typing import Any, cast

import pytest

from foregone.process_pool import remote_error
from foregone.process_pool.pickling import OUT_OF_BAND, Data, Packed, Reducer, pack, reducer_of
from foregone.process_pool.remote_error import UnpicklableError, UnreadableError, freeze, thaw
from model_tests.test_process_pickling import Modern, Refuses, Reversed, Stubborn, received

CALL, PID = "m.f", 77


def arrived(packed: Packed, reducer: Reducer | None = None) -> BaseException:
    data, views = packed
    return thaw(data, received(views), reducer, call=CALL, pid=PID)


def sent(error: BaseException, reducer: Reducer | None = None, doing: str = "") -> BaseException:
    """Return ``error`` as it arrives in the parent."""
    return arrived(freeze(error, reducer, doing), reducer)


def raised(function: Callable[[], object]) -> BaseException:
    """Return what ``function`` raises, with its traceback."""
    try:
        function()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def causes(error: BaseException | None) -> list[BaseException]:
    """Return ``error`` and its causes; the last must be the remote traceback."""
    found: list[BaseException] = []
    while error is not None:
        assert not any(error is each for each in found)
        found.append(error)
        error = error.__cause__
    assert type(found[-1]) is _RemoteTraceback
    return found


def fails() -> None:
    raise ValueError("the text", 5)


# ------------------------------------------------------------------- one exception


def test_an_exception_without_a_cause_has_the_remote_traceback_for_one() -> None:
    error = raised(fails)
    printed = "".join(traceback.format_exception(error))
    got = sent(error)
    assert type(got) is ValueError
    assert got.args == ("the text", 5)
    assert type(got.__cause__) is _RemoteTraceback
    assert str(got.__cause__) == f'\n"""\n{printed}"""'  # as CPython's
    assert "in fails" in printed
    assert got.__context__ is None
    assert got.__suppress_context__ is False
    assert got.__traceback__ is None
    assert error.__traceback__ is None  # and what its frames hold is free


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt("now"), StopIteration(4), OSError(2, "x", "y")]
)  # fmt: skip
def test_any_kind_of_exception(error: BaseException) -> None:
    got = sent(error)
    assert type(got) is type(error)
    assert got.args == error.args
    assert str(got) == str(error)


class Leaves(SystemExit):
    """With the constructor that CPython has for it."""


class Two(Exception):
    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} and {other}")


def _remade(kind: type[BaseException], args: tuple[object, ...]) -> BaseException:
    error = kind.__new__(kind)
    error.args = args
    return error


def _as_tblib(error: BaseException) -> tuple[object, tuple[object, ...]]:
    """Do as tblib, which is not installed here: no constructor is called."""
    return _remade, (type(error), error.args)


_as_tblib.__module__ = "tblib.pickling_support"


@pytest.mark.parametrize("made", [partial(_as_tblib), _as_tblib])
def test_what_a_constructor_keeps_beside_arguments_is_kept_where_tblib_is_imported(
    monkeypatch: pytest.MonkeyPatch, made: Callable[..., object]
) -> None:
    unread = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
    torn = SyntaxError("torn", ("file", 1, 3, "a b", 1, 4))
    for kind in (SystemExit, Leaves, UnicodeDecodeError, SyntaxError, OSError, Two):
        monkeypatch.setitem(copyreg.dispatch_table, kind, made)
    for error in (SystemExit(3), Leaves(4), unread, torn, OSError(2, "x", "y")):
        got = sent(error)
        assert type(got) is type(error)
        assert got.args == error.args
        assert str(got) == str(error)
        for name in ("code", "object", "lineno", "filename"):
            assert getattr(got, name, None) == getattr(error, name, None)
    error = Leaves(5)
    error.__dict__["word"] = "apple"
    assert cast("Any", sent(error)).word == "apple"
    # What has a constructor of its own is tblib's: pickle calls that with what it cannot take.
    two = sent(Two(1, 2))
    assert (type(two), str(two)) == (Two, "1 and 2")
    # And a type that others pickle is theirs.
    monkeypatch.setitem(copyreg.dispatch_table, SystemExit, _as_others)
    assert cast("SystemExit", sent(SystemExit(3))).code == 9
    monkeypatch.setitem(copyreg.dispatch_table, SystemExit, made)
    monkeypatch.setattr(ForkingPickler, "_extra_reducers", {SystemExit: _as_others})
    assert cast("SystemExit", sent(SystemExit(3))).code == 9


def _as_others(_error: SystemExit) -> tuple[object, tuple[object, ...]]:
    return SystemExit, (9,)


class Rich(Exception):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.data: dict[str, object] = {"a": [1, 2]}


def test_notes_and_attributes_arrive() -> None:
    error = Rich("r")
    error.data["b"] = [3]
    error.add_note("first")
    error.add_note("second")
    got = cast("Rich", sent(error))
    assert got.data == {"a": [1, 2], "b": [3]}
    assert got.__notes__ == ["first", "second"]


def test_large_attributes_travel_out_of_band() -> None:
    error = Rich("r")
    error.data["raw"] = bytearray(OUT_OF_BAND * 2)
    data, views = freeze(error, None)
    assert len(data) < 5000
    assert [each.nbytes for each in views] == [OUT_OF_BAND * 2]
    got = cast("Rich", arrived((data, views)))
    assert got.data["raw"] == bytearray(OUT_OF_BAND * 2)
    assert type(got.data["raw"]) is bytearray


@pytest.mark.parametrize("serializer", [Reversed(), Modern(), pickle])
def test_with_a_reducer(serializer: Any) -> None:  # noqa: ANN401
    reducer = reducer_of(serializer)
    error = raised(fails)
    error.__context__ = Rich("c")
    got = sent(error, reducer)
    assert type(got) is ValueError
    assert cast("Rich", got.__context__).data == {"a": [1, 2]}
    group = sent(ExceptionGroup("g", [ValueError(1), Rich("m")]), reducer)
    assert [type(each) for each in cast("Any", group).exceptions] == [ValueError, Rich]


# ------------------------------------------------------------------------ chains


def chained() -> None:
    try:
        try:
            fails()
        except ValueError as error:
            raise KeyError("caused") from error
    except KeyError:
        raise LookupError("in its context")  # noqa: B904  # that is what is tested


def test_the_chain_arrives_and_the_traceback_is_at_its_end() -> None:
    got = sent(raised(chained))
    assert type(got) is LookupError
    assert type(got.__cause__) is _RemoteTraceback  # it had none of its own
    assert got.__suppress_context__ is False
    context = got.__context__
    assert type(context) is KeyError
    assert type(context.__cause__) is ValueError
    assert context.__cause__ is context.__context__  # one object, as it was
    assert context.__suppress_context__ is True
    assert context.__cause__.__cause__ is None
    text = str(got.__cause__)
    assert "direct cause" in text
    assert "During handling" in text


def test_causes_are_kept_and_the_traceback_follows_the_last() -> None:
    error = ValueError(1)
    error.__cause__ = KeyError(2)
    error.__cause__.__cause__ = LookupError(3)
    got = sent(error)
    assert [type(got), type(got.__cause__)] == [ValueError, KeyError]
    assert got.__suppress_context__ is True
    last = cast("BaseException", got.__cause__).__cause__
    assert type(last) is LookupError
    assert type(last.__cause__) is _RemoteTraceback
    assert last.__suppress_context__ is False
    printed = "".join(traceback.format_exception(got))
    assert printed.index('"""') < printed.index("LookupError: 3\n\nThe above")
    assert printed.rstrip().endswith("ValueError: 1")


def test_a_cause_of_none_stays_a_suppressed_context() -> None:
    error = ValueError(1)
    error.__context__ = KeyError(2)
    error.__suppress_context__ = True
    got = sent(error)
    assert type(got.__context__) is KeyError
    assert got.__suppress_context__ is True
    assert type(got.__cause__) is _RemoteTraceback


def test_circles() -> None:
    one, two, three = ValueError(1), KeyError(2), LookupError(3)
    one.__cause__, two.__cause__, three.__cause__ = two, three, one
    one.__context__, two.__context__ = one, one
    got = sent(one)
    second = cast("BaseException", got.__cause__)
    third = cast("BaseException", second.__cause__)
    assert [type(got), type(second), type(third)] == [ValueError, KeyError, LookupError]
    assert type(third.__cause__) is _RemoteTraceback  # in the place of what closed it
    assert second.__context__ is got
    assert got.__context__ is got
    outside = OSError(5)  # leads into a circle that it is not in
    outside.__cause__ = one
    got = sent(outside)
    assert [type(each) for each in causes(got)] == [
        OSError, ValueError, KeyError, LookupError, _RemoteTraceback,
    ]  # fmt: skip
    itself = ValueError(4)
    itself.__cause__ = itself
    assert type(sent(itself).__cause__) is _RemoteTraceback


def test_a_long_chain() -> None:
    first = error = ValueError(0)
    for number in range(1, 2000):
        error.__context__ = error = ValueError(number)
    got: BaseException | None = sent(first)
    numbers = []
    while got is not None:
        numbers.append(got.args[0])
        got = got.__context__
    assert numbers == list(range(2000))


def test_what_comes_from_a_process_of_a_process() -> None:
    """A pool in a process of a pool: both tracebacks stay."""
    inner = sent(raised(fails))
    got = sent(inner)
    first = cast("BaseException", got.__cause__)
    assert [type(first), type(first.__cause__)] == [_RemoteTraceback, _RemoteTraceback]
    assert str(first) == str(inner.__cause__)


# ------------------------------------------------------------------------ groups


class Team(ExceptionGroup[Exception]):
    """A group with a constructor and attributes of its own."""

    def __new__(cls, size: int, members: list[Exception]) -> "Team":
        made = super().__new__(cls, f"a team of {size}", members)
        made.size = size
        return made

    size: int


def test_groups_arrive_with_the_chains_of_their_members() -> None:
    member = ValueError(1)
    member.__cause__ = KeyError(2)
    member.add_note("note")
    inner = ExceptionGroup("inner", (member, OSError(3)))
    outer = BaseExceptionGroup("outer", [inner, SystemExit(4), member])
    outer.__context__ = inner
    outer.add_note("of the group")
    got = cast("BaseExceptionGroup[BaseException]", sent(outer))
    assert type(got) is BaseExceptionGroup
    assert got.message == "outer"
    assert got.__notes__ == ["of the group"]
    again = cast("ExceptionGroup[Exception]", got.exceptions[0])
    assert type(again) is ExceptionGroup
    assert got.__context__ is again
    first = again.exceptions[0]
    assert got.exceptions[2] is first
    assert [type(first), type(first.__cause__)] == [ValueError, KeyError]
    assert first.__notes__ == ["note"]
    assert type(got.exceptions[1]) is SystemExit
    assert type(got.__cause__) is _RemoteTraceback


def test_groups_of_ones_own() -> None:
    error = Team(2, [ValueError(1), Rich("m")])
    error.__notes__ = ["n"]
    got = cast("Team", sent(error))
    assert type(got) is Team
    assert got.size == 2
    assert [type(each) for each in got.exceptions] == [ValueError, Rich]
    assert got.__notes__ == ["n"]


class Hidden(ExceptionGroup[Exception]):
    """Makes itself again in its own way, without its members."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Hidden, ("hidden", [ValueError("another")])


class Listed(ExceptionGroup[Exception]):
    """Has more to be made from than constructor, arguments and attributes."""

    added: list[int]

    def __reduce__(self) -> Any:  # noqa: ANN401
        return Listed, (self.message, list(self.exceptions)), None, iter([1, 2])

    def append(self, number: int) -> None:
        self.added = [*getattr(self, "added", []), number]

    def extend(self, numbers: list[int]) -> None:
        for number in numbers:
            self.append(number)


class Global(ExceptionGroup[Exception]):
    """There is one, and it goes by its name."""

    def __reduce__(self) -> str:
        return "THE_GROUP"


THE_GROUP = Global("global", [ValueError(1)])


def test_a_group_that_pickles_in_its_own_way() -> None:
    got = cast("Hidden", sent(Hidden("x", [KeyError(1)])))
    assert type(got) is Hidden
    assert str(got.exceptions[0]) == "another"
    listed = cast("Listed", sent(Listed("x", [KeyError(1)])))
    assert type(listed) is Listed
    assert listed.added == [1, 2]
    assert type(listed.exceptions[0]) is KeyError
    assert sent(THE_GROUP) is THE_GROUP


def test_a_member_that_does_not_pickle_costs_the_others_nothing() -> None:
    got = cast("Any", sent(ExceptionGroup("g", [ValueError(1), local_error(), Unreadable(1, 2)])))
    assert type(got) is ExceptionGroup
    assert [type(each) for each in got.exceptions] == [
        ValueError,
        UnpicklableError,
        UnreadableError,
    ]


# ----------------------------------------------------------- what does not travel


def local_error() -> Exception:
    class LocalError(Exception):
        pass

    return LocalError("the text")


class Locked(Exception):
    def __init__(self) -> None:
        super().__init__("locked")
        self.lock = threading.Lock()


class Unreadable(Exception):
    """Its arguments are not those of its constructor: the usual way to do it wrong."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


class NotOne(Exception):
    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return int, ("5",)


class PickledBadly(Exception):
    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        raise local_error()


@dataclass(frozen=True)
class Frozen(Exception):
    number: int


@dataclass(frozen=True)
class FrozenAndKnowing(Exception):
    number: int

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return FrozenAndKnowing, (self.number,)


def test_an_exception_that_does_not_pickle_is_named_with_the_reason() -> None:
    for error, text in ((local_error(), "LocalError: the text"), (Locked(), "Locked: locked")):
        got = sent(error)
        assert type(got) is UnpicklableError
        assert isinstance(got, pickle.PicklingError)
        assert f"{text}, which did not pickle: " in str(got)
        assert got.__notes__ == ["while pickling the exception of call m.f in process 77"]
        assert type(got.__cause__) is _RemoteTraceback
        assert text in str(got.__cause__)
    assert "cannot pickle '_thread.lock' object" in str(sent(Locked()))
    assert "LocalError: the text" in str(sent(PickledBadly("x")))


def test_one_that_cannot_be_read_is_named_too() -> None:
    assert "cannot assign to field 'number'" in str(sent(Frozen(3)))
    got = sent(Unreadable(1, 2))
    assert type(got) is UnreadableError
    assert isinstance(got, pickle.UnpicklingError)
    assert "Unreadable: 1 and 2, which did not unpickle: TypeError: " in str(got)
    assert got.__notes__ == ["while unpickling the exception of call m.f in the parent"]
    assert "Unreadable: 1 and 2" in str(got.__cause__)
    assert "it became an object of type int" in str(sent(NotOne("x")))


def test_a_bad_link_costs_the_others_nothing() -> None:
    error = ValueError("good")
    error.__cause__ = Unreadable(1, 2)
    error.__cause__.__context__ = local_error()
    error.__cause__.__context__.__context__ = KeyError("far")
    got = sent(error)
    assert type(got) is ValueError
    cause = cast("BaseException", got.__cause__)
    assert type(cause) is UnreadableError
    context = cast("BaseException", cause.__context__)
    assert type(context) is UnpicklableError
    assert type(context.__context__) is KeyError
    assert causes(got)[-1] is cause.__cause__


def test_exceptions_that_refuse_everything() -> None:
    for error in (Stubborn("x"), FrozenAndKnowing(3)):
        got = sent(error, None, "pickling the result")
        assert type(got) is type(error)
        assert got.args == error.args
        assert type(got.__cause__) is _RemoteTraceback
        assert got.__notes__ == ["while pickling the result of call m.f in process 77"]


class NoText(Exception):
    def __str__(self) -> str:
        raise SystemExit("in str")

    def __reduce__(self) -> str:
        raise RuntimeError("in reduce")


class NoCause(Exception):
    @property
    def __cause__(self) -> BaseException | None:  # type: ignore[override]  # that is the point
        raise RuntimeError("no cause")


class NoMembers(ExceptionGroup[Exception]):
    @property
    def exceptions(self) -> Any:  # noqa: ANN401
        raise RuntimeError("no members")


def test_freeze_and_thaw_never_raise() -> None:
    got = sent(NoText("x"))
    assert type(got) is UnpicklableError
    assert "NoText: <its text could not be told: SystemExit>" in str(got)
    assert "RuntimeError: in reduce" in str(got)
    assert type(sent(NoCause("x"))) is NoCause
    sent(NoMembers("x", [ValueError(1)]))


def test_a_traceback_that_cannot_be_formatted(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> list[str]:
        raise RecursionError("too deep")

    monkeypatch.setattr(traceback, "format_exception", breaks)
    got = sent(ValueError("v"))
    assert type(got) is ValueError
    assert "ValueError: v\n(its traceback could not be formatted: RecursionError" in str(
        got.__cause__
    )


def test_no_memory_for_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Something is sent even then."""
    calls: list[object] = []

    def packs(value: object, reducer: Reducer | None) -> Packed:
        calls.append(value)
        if len(calls) == 2:  # the first is the exception, the second the whole
            raise MemoryError
        return pack(value, reducer)

    monkeypatch.setattr(remote_error, "pack", packs)
    got = sent(ValueError("v"))
    assert type(got) is UnpicklableError
    assert "ValueError: v, which did not pickle: MemoryError" in str(got)


@pytest.mark.parametrize("data", [b"", b"nonsense", pickle.dumps(5), pickle.dumps(("", "", []))])
def test_nonsense_is_an_error_that_says_so(data: Data) -> None:
    got = thaw(data, (), None, call=CALL, pid=PID)
    assert type(got) is UnreadableError
    assert "could not be read" in str(got)
    assert got.__notes__ == ["while unpickling the exception of call m.f in the parent"]


def test_a_problem_with_a_payload_says_where() -> None:
    error = raised(lambda: pickle.dumps(Refuses()))
    got = sent(error, None, "pickling the result")
    assert type(got) is LookupError
    assert got.__notes__ == ["while pickling the result of call m.f in process 77"]
    worse = sent(local_error(), None, "unpickling the arguments")
    assert type(worse) is UnpicklableError
    assert worse.__notes__ == [
        "while pickling the exception of call m.f in process 77",
        "while unpickling the arguments of call m.f in process 77",
    ]


def test_substitutes_travel_on() -> None:
    for error in (sent(local_error()), sent(Unreadable(1, 2))):
        again = sent(error)
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert again.__notes__ == error.__notes__
