"""``foregone._compat``, as the seed's ``_compat`` module."""

from foregone.compat import namedtuple

__all__ = ["namedtuple"]
