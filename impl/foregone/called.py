"""What a function or a class is called, in messages; whatever it answers, nothing raises.

Touches nothing.
"""

from functools import partial
from typing import cast


def call_name(fn: object) -> str:
    """Return the qualified name of what was submitted, as good as it can be told."""
    called: object = fn
    try:
        while isinstance(called, partial):
            called = cast("partial[object]", called).func
        if hasattr(called, "__qualname__"):
            return qualified(called)
    except Exception:
        pass
    return qualified(type(fn))


def qualified(named: object) -> str:
    """Return module and name of a function or a class, or what of it can be told."""
    found: list[str] = []
    for name in ("__module__", "__qualname__"):
        try:
            found.append(getattr(named, name))
        except Exception:
            found.append("?")
    return found[1] if found[0] in ("builtins", None) else f"{found[0]}.{found[1]}"
