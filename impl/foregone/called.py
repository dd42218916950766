"""What a function or a class is called, in messages and in views; nothing raises.

Touches nothing.
"""

from functools import partial
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    GetSetDescriptorType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    WrapperDescriptorType,
)
from typing import Final, cast, final

#: What the interpreter names itself.
_NAMED: Final = (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    MethodDescriptorType,
    MethodWrapperType,
    WrapperDescriptorType,
)
#: So many methods and partials are looked into: one may hold itself.
_DEEP: Final = 8


def call_name(fn: object) -> str:
    """Return the qualified name of what was submitted, and run no code of the user's for it.

    Of a method it is the function's, of a partial that of what it calls.  What wraps a
    function and says so in its own fields, as ``functools.wraps`` makes it, has the
    function's; any other object is called by its type.
    """
    called = fn
    for _ in range(_DEEP):
        if type(called) is MethodType:
            called = cast("object", called.__func__)
        elif type(called) is partial:
            called = cast("object", cast("partial[object]", called).func)
        else:
            break
    kind: type[object] = type(called)
    if issubclass(kind, type):
        return qualified(called)
    if kind in _NAMED:
        return _joined(getattr(called, "__module__", None), getattr(called, "__qualname__", "?"))
    own = _fields(called)
    name = own.get("__qualname__")
    return _joined(own.get("__module__"), name) if type(name) is str else qualified(kind)


def _fields(of: object) -> dict[str, object]:
    """Return the fields that an object has itself, if it keeps them where objects do."""
    for base in type.__dict__["__mro__"].__get__(type(of)):
        there: object = type.__dict__["__dict__"].__get__(base).get("__dict__")
        if type(there) is GetSetDescriptorType:
            return cast("dict[str, object]", there.__get__(of))
        if there is not None:
            return {}  # somebody's own, which is not asked
    return {}


def _joined(module: object, name: object) -> str:
    where = module if type(module) is str else ""
    return f"{name}" if where in ("", "builtins") else f"{where}.{name}"


def qualified(named: object) -> str:
    """Return module and name of a class, or what of it can be told."""
    found: list[object] = []
    for name in ("__module__", "__qualname__"):
        try:
            found.append(type.__dict__[name].__get__(named))
        except Exception:
            found.append("?")
    return _joined(*found)


@final
class Names:
    """Names of what is submitted, of which one after the other is often the same function."""

    __slots__ = ("_last", "_name")

    def __init__(self) -> None:
        self._last: object = None
        self._name = ""

    def of(self, fn: object) -> str:
        """Return what ``fn`` is called."""
        if fn is not self._last:
            self._name = call_name(fn)
            self._last = fn
        return self._name

    def forget(self) -> None:
        """Keep nothing of the user's."""
        self._last = None
