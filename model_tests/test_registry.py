"""Who is still there: nobody is kept, nobody is told twice, and all can leave at once."""

import gc

from foregone.registry import Registry


class Member:
    """Somebody who can be told."""


def test_who_comes_is_there_once() -> None:
    registry, one, other = Registry[Member](), Member(), Member()
    assert not registry
    for each in (one, other, one):
        registry.add(each)
    assert sorted(map(id, registry.all())) == sorted(map(id, (one, other)))
    assert registry


def test_who_leaves_is_not_there() -> None:
    registry, one, other = Registry[Member](), Member(), Member()
    registry.add(one)
    registry.add(other)
    registry.discard(one)
    registry.discard(one)
    assert registry.all() == [other]


def test_nobody_is_kept() -> None:
    registry, one, other = Registry[Member](), Member(), Member()
    registry.add(one)
    registry.add(other)
    del one
    gc.collect()
    assert registry.all() == [other]
    del other
    gc.collect()
    assert not registry


def test_all_leave_and_come_again() -> None:
    registry, one, other = Registry[Member](), Member(), Member()
    registry.add(one)
    registry.add(other)
    registry.clear()
    assert not registry
    registry.add(one)
    assert registry.all() == [one]
    del other  # its going is nothing to who is there now
    gc.collect()
    assert registry.all() == [one]
    del one
    gc.collect()
    assert not registry
