"""The scenarios of chaos: drawn from their seed alone, named, and all kinds among them."""

import pytest

from model_tests.chaos import scenario as scenarios
from model_tests.chaos.scenario import draw, read

MANY = [draw(seed) for seed in range(1_000)]


def test_a_seed_is_one_scenario() -> None:
    assert [draw(seed) for seed in range(1_000)] == MANY


def test_everything_is_drawn() -> None:
    assert {each.theme for each in MANY} == set(scenarios.THEMES)
    assert {each.method for each in MANY} == set(scenarios.METHODS)
    drawn = {(step.name, step.word) for each in MANY for step in each.steps}
    kinds = (
        *scenarios.GOOD, *scenarios.RAISES, *scenarios.NEVER_SENT, *scenarios.UNREAD,
        *scenarios.BAD_ANSWER, *scenarios.LETHAL, *scenarios.DEADLY, *scenarios.STILL,
    )  # fmt: skip
    assert {word for name, word in drawn if name == "submit"} == set(kinds)
    assert {word for name, word in drawn if name == "callback"} == set(scenarios.CALLBACKS)
    steps = {"flood", "cancel", "look", "wait", "map", "pause", "signal", "storm", "shutdown"}
    assert {name for name, _ in drawn} == steps | {"submit", "callback", "server", "parent forks"}


def test_what_fork_cannot_is_not_asked_of_it() -> None:
    forked = [each for each in MANY if each.method == "fork"]
    assert {(each.policy, each.tasks) for each in forked} == {("break", None)}
    assert {each.policy for each in MANY if each.method == "spawn"} == {"break", "replace"}


def test_a_name_names_some_of_the_steps() -> None:
    whole = next(each for each in MANY if len(each.steps) > 12)
    some = whole.only([0, 1, 2, 3, 8, 10, 11])
    assert some.name == f"{whole.seed}:0-3,8,10-11"
    assert read(some.name) == some
    assert some.only([0, 4, 5]).name == f"{whole.seed}:0,8,10"
    assert read(str(whole.seed)) == whole
    assert read(f"{whole.seed}:").steps == ()


@pytest.mark.parametrize("name", ["x", "1:99", "1:a"])
def test_refuses_what_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match=r"invalid|has \d+ steps"):
        read(name)
