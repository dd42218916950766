"""The values of a type that are tried when a contract is enumerated."""

from enum import Enum
from itertools import product
from typing import TypeVar, get_args, get_origin


def domain(kind: object) -> tuple[object, ...]:
    """Return the values of a type that are tried: all of a finite one."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return tuple(kind)
    if kind is bool:
        return (False, True)
    if kind is int or isinstance(kind, TypeVar):
        return (0, 1, 2, 3)
    if get_origin(kind) is tuple:
        items = domain(get_args(kind)[0])
        return tuple(each for length in range(4) for each in product(items, repeat=length))
    raise TypeError(f"{kind} has no domain here: enumerate it in domain()")
