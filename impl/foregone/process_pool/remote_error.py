"""How an exception travels: with its chain and its notes, without its tracebacks.

Pickle keeps of an exception its arguments and its attributes, notes among them.  What
it drops is sent beside it: cause, context, whether the context is suppressed, and the
text of the traceback as it would have been printed there.

Each exception of the chain, and each member of a group, is pickled by itself.  So one
that does not survive costs the others nothing: a substitute that names its type, its
text and why it could not come stands in its place.

Where the package tblib is imported, as by dask.distributed, it pickles all exceptions, and
loses what a constructor of CPython's keeps beside ``args``: the code of SystemExit, all of a
UnicodeDecodeError.  Such an exception travels as it says itself.

On the other side the text stands, as CPython's ``_RemoteTraceback``, at the end of the
chain of causes: who had no cause has it for a cause.  In a circle of causes it takes the
place of the link that closes it.  Whether the context is suppressed stays as it was.

``freeze`` and ``thaw`` raise nothing, whatever methods of foreign exceptions do.  They
assume that no signal handler raises meanwhile.

Owner of what is sent, its form: this module.  Model: none; errors of payloads are
answers like others (Finish of ``tla/ProcessPool.tla``).
"""

import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias, cast, final

from foregone.called import qualified
from foregone.process_pool.pickling import (
    PROTOCOL,
    Data,
    Packed,
    Reducer,
    pack,
    problem,
    registered,
    unpack,
)

#: Of one exception: type and text, in words; its pickle and that one's buffers, or why
#: there is none; its cause, its context (numbers, or None), is the context suppressed?
_Node: TypeAlias = tuple[
    str, bytes | str, tuple[pickle.PickleBuffer, ...], int | None, int | None, bool
]
#: What was being done with a payload when this came up, or ""; the traceback; the chain.
_Frozen: TypeAlias = tuple[str, str, list[_Node]]


def _remote(text: str) -> BaseException:
    """Return what CPython's manager makes of a text, whatever the stubs say."""
    from concurrent.futures import process  # the parent has it, a process needs it not

    made = cast("Callable[[str], BaseException]", process._RemoteTraceback)
    return made(text)


#: How an exception is made: by what, of what arguments, and what is set then.
_Parts: TypeAlias = tuple[Callable[..., object], tuple[object, ...], object]

_LINKS: Final = ("__cause__", "__context__")


class UnpicklableError(pickle.PicklingError):
    """An exception was raised in a process, and could not be sent: this came instead."""


class UnreadableError(pickle.UnpicklingError):
    """An exception was raised in a process and sent, and could not be read: this is instead."""


@final
class _Member:
    """Stands for an exception of the chain in the arguments of a group."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> tuple[Callable[[int], "_Member"], tuple[int]]:
        return _Member, (self.number,)


@final
class _Again:
    """How an exception is made again; a group, once its members are there."""

    __slots__ = ("arguments", "make", "state")

    def __init__(
        self, make: Callable[..., object], arguments: tuple[object, ...], state: object = None
    ) -> None:
        self.make = make
        self.arguments = arguments
        self.state = state

    def __reduce__(self) -> tuple[Callable[..., "_Again"], tuple[object, ...]]:
        return _Again, (self.make, self.arguments, self.state)


# ------------------------------------------------------------------ in the process


def freeze(error: BaseException, reducer: Reducer | None, doing: str = "") -> Packed:
    """Return ``error`` and its chain as they are sent; forget their tracebacks.

    ``doing`` says what was being done with a payload when it came up, if it was not the
    call itself that raised: "unpickling the arguments", "pickling the result".
    """
    text = _traceback(error)
    chain = _chain(error)
    numbers = {id(each): number for number, each in enumerate(chain)}
    nodes = [_node(each, numbers, reducer) for each in chain]
    for each in chain:
        _put(each, "__traceback__", None)  # what its frames hold can go
    frozen: _Frozen = (doing, text, nodes)
    try:
        return pack(frozen, None)
    except BaseException as trouble:  # no memory for so much
        frozen = (doing, "", [(_described(error), _described(trouble), (), None, None, False)])
        return pack(frozen, None)


def _traceback(error: BaseException) -> str:
    try:
        import traceback  # costs a process that starts some milliseconds

        return "".join(traceback.format_exception(type(error), error, error.__traceback__))
    except BaseException as trouble:
        why = _described(trouble)
        return f"{_described(error)}\n(its traceback could not be formatted: {why})\n"


def _chain(error: BaseException) -> list[BaseException]:
    """Return ``error`` and all that it leads to, each once."""
    chain = [error]
    seen = {id(error)}
    for each in chain:
        for other in _linked(each):
            if id(other) not in seen:
                seen.add(id(other))
                chain.append(other)
    return chain


def _linked(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions that ``error`` holds: cause, context, members."""
    for link in _LINKS:
        other = _get(error, link)
        if isinstance(other, BaseException):
            yield other
    yield from _members(error)


def _members(error: BaseException) -> list[BaseException]:
    """Return what ``error`` holds if it is a group."""
    held: object = ()
    if BaseExceptionGroup in type(error).__mro__:
        held = _get(error, "exceptions")
    if not isinstance(held, tuple):
        return []
    members = cast("tuple[object, ...]", held)
    return [each for each in members if isinstance(each, BaseException)]


def _node(error: BaseException, numbers: dict[int, int], reducer: Reducer | None) -> _Node:
    cause, context = (numbers.get(id(_get(error, link))) for link in _LINKS)
    suppress = bool(_get(error, "__suppress_context__"))
    described = _described(error)
    try:
        if _members(error):
            value = _group(error, numbers)
        else:
            value = _own(error) if _forgotten(type(error)) else error
        data, views = pack(value, reducer)
        buffers = tuple(map(pickle.PickleBuffer, views))
    except BaseException as trouble:
        return described, _described(trouble), (), cause, context, suppress
    return described, data, buffers, cause, context, suppress


def _forgotten(kind: type[BaseException]) -> bool:
    """Say whether tblib would pickle such an exception, and its constructor is CPython's."""
    reduce: object = registered(kind)
    function: object = getattr(reduce, "func", reduce)  # it may be a partial
    if str(getattr(function, "__module__", "")).partition(".")[0] != "tblib":
        return False
    makes = next(each for each in kind.__mro__ if "__init__" in vars(each))
    return makes.__module__ == "builtins"


def _own(error: BaseException) -> object:
    """Return how to make ``error`` again, as it says itself."""
    parts = _reduced(error)
    return error if parts is None else _Again(*parts)


def _reduced(error: BaseException) -> _Parts | None:
    """Return what ``error`` is made of; None if it says that in another way."""
    reduced = error.__reduce_ex__(PROTOCOL)
    if isinstance(reduced, str) or len(reduced) > 3:
        return None
    make, arguments, state = (*cast("tuple[object, ...]", reduced), None)[:3]
    return cast("Callable[..., object]", make), cast("tuple[object, ...]", arguments), state


def _group(group: BaseException, numbers: dict[int, int]) -> object:
    """Return how to make ``group`` again, its members left out; or itself, to be sent whole."""
    parts = _reduced(group)
    if parts is None:
        return group
    make, arguments, state = parts
    stand_ins = {id(each): _Member(numbers[id(each)]) for each in _members(group)}
    replaced: list[object] = []
    missing = set(stand_ins)
    for argument in arguments:
        if isinstance(argument, (list, tuple)):
            members = cast("list[object] | tuple[object, ...]", argument)
            missing -= {id(each) for each in members}
            replaced.append([stand_ins.get(id(each), each) for each in members])
        else:
            replaced.append(argument)
    return group if missing else _Again(make, tuple(replaced), state)


# ------------------------------------------------------------------- in the parent


def thaw(
    data: Data, buffers: Sequence[Data], reducer: Reducer | None, *, call: str, pid: int
) -> BaseException:
    """Return the exception that was frozen in process ``pid``, during ``call``.

    What does not come back to life is an error that says why.
    """
    try:
        doing, text, nodes = cast("_Frozen", unpack(data, buffers, None))
        error = _Thaw(nodes, reducer, call, pid).chain()
    except BaseException as trouble:
        lost = UnreadableError(
            f"an exception was sent, and could not be read: {_described(trouble)}"
        )
        return problem(lost, "unpickling the exception", call, "the parent")
    if doing:
        problem(error, doing, call, f"process {pid}")
    _append(error, _remote(f'\n"""\n{text}"""'))
    return error


class _Thaw:
    """A chain that is being made again, by the numbers of its exceptions."""

    __slots__ = ("call", "made", "nodes", "pid", "reducer")

    def __init__(
        self, nodes: Sequence[_Node], reducer: Reducer | None, call: str, pid: int
    ) -> None:
        self.nodes = nodes
        self.reducer = reducer
        self.call = call
        self.pid = pid
        self.made: dict[int, BaseException] = {}

    def chain(self) -> BaseException:
        """Return the first exception of the chain, linked to all others."""
        # Members before their groups: what a group holds was found after it, most often.
        for number in reversed(range(len(self.nodes))):
            self.make(number)
        for number, (_, _, _, cause, context, suppress) in enumerate(self.nodes):
            error = self.made[number]
            _put(error, "__cause__", None if cause is None else self.made[cause])
            _put(error, "__context__", None if context is None else self.made[context])
            _put(error, "__suppress_context__", suppress)
        return self.made[0]

    def make(self, number: int) -> BaseException:
        """Return exception ``number``, or what stands in its place."""
        if number not in self.made:
            self.made[number] = self._read(number)
        return self.made[number]

    def _read(self, number: int) -> BaseException:
        described, data, buffers, *_ = self.nodes[number]
        if isinstance(data, str):
            lost: BaseException = UnpicklableError(f"{described}, which did not pickle: {data}")
            return problem(lost, "pickling the exception", self.call, f"process {self.pid}")
        try:
            error = unpack(data, cast("Sequence[Data]", buffers), self.reducer)
            if isinstance(error, _Again):
                error = self._group(error)
            if isinstance(error, BaseException):
                return error
            why = f"it became an object of type {qualified(type(error))}"
        except BaseException as trouble:
            why = _described(trouble)
        lost = UnreadableError(f"{described}, which did not unpickle: {why}")
        return problem(lost, "unpickling the exception", self.call, "the parent")

    def _group(self, group: _Again) -> object:
        made = group.make(*map(self._members, group.arguments))
        if group.state is not None:
            cast("Exception", made).__setstate__(cast("dict[str, object]", group.state))
        return made

    def _members(self, argument: object) -> object:
        if not isinstance(argument, list):
            return argument
        members = cast("list[object]", argument)
        return [self.make(each.number) if isinstance(each, _Member) else each for each in members]


def _append(error: BaseException, remote: BaseException) -> None:
    """Let ``remote`` be the last of the causes of ``error``."""
    seen = {id(error)}
    while isinstance(cause := _get(error, "__cause__"), BaseException) and id(cause) not in seen:
        seen.add(id(cause))
        error = cause
    suppress = _get(error, "__suppress_context__")
    _put(error, "__cause__", remote)
    _put(error, "__suppress_context__", suppress)


# --------------------------------------- what exceptions cannot refuse, nor make raise


def _get(error: BaseException, name: str) -> object:
    try:
        found: object = BaseException.__getattribute__(error, name)
    except Exception:
        return None
    return found


def _put(error: BaseException, name: str, value: object) -> None:
    try:
        BaseException.__setattr__(error, name, value)
    except Exception:
        pass


def _described(error: BaseException) -> str:
    """Return type and text of an exception, in words."""
    try:
        text = str(error)
    except BaseException as trouble:
        text = f"<its text could not be told: {qualified(type(trouble))}>"
    return f"{qualified(type(error))}: {text}" if text else qualified(type(error))
