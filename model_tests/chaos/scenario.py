"""What happens in one scenario: drawn from its seed, and from nothing else.

A scenario is a pool and a list of steps.  Leaving out steps leaves the others as they
are, so that what fails can be made smaller: ``17`` names all of scenario 17, and
``17:0-3,8`` only its steps 0 to 3 and 8.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final, Literal, TypeAlias, final

Method: TypeAlias = Literal["fork", "forkserver", "spawn"]
Policy: TypeAlias = Literal["break", "replace"]

METHODS: Final[tuple[Method, ...]] = ("fork", "forkserver", "spawn")

#: What a call does, by what is to be expected of it.
GOOD: Final = ("value", "busy", "naps", "held", "takes", "gives", "echoes", "block", "forks")
RAISES: Final = ("raises", "interrupted", "leaves")
NEVER_SENT: Final = ("no pickle",)
UNREAD: Final = ("no unpickle",)  # the process claims it, and cannot read its argument
BAD_ANSWER: Final = ("bad result", "spoilt result", "bad error", "spoilt error")
LETHAL: Final = ("exit 0", "exit 3", "SIGKILL", "SIGSEGV", "forks and dies")
DEADLY: Final = ("deadly",)  # unpickling its argument ends the process
STILL: Final = ("stands still",)
SIZED: Final = ("takes", "gives", "echoes", "block")
SIZES: Final = (0, 100, 3_000, 70_000, 2**20, 8 * 2**20)

#: What a callback does besides counting.
CALLBACKS: Final = ("submits", "cancels", "shuts down", "blocks", "raises", "leaves", "looks")

#: What a scenario is about: how often each kind of step comes.
THEMES: Final[dict[str, dict[str, int]]] = {
    "work": {"submit": 20, "flood": 4, "wait": 3, "map": 3, "cancel": 3, "look": 3},
    "deaths": {"submit": 20, "flood": 2, "signal": 3, "lethal": 5, "pause": 2},
    "storm": {"submit": 20, "flood": 4, "storm": 3, "cancel": 4, "pause": 4, "wait": 1},
    "payloads": {"submit": 4, "sized": 12, "odd": 12, "cancel": 2, "lethal": 1},
    "cancel": {"submit": 20, "flood": 6, "cancel": 30, "look": 8, "pause": 2, "signal": 1},
    "callbacks": {"submit": 10, "callback": 15, "flood": 2, "lethal": 1, "cancel": 5},
    "ends": {"submit": 15, "flood": 2, "shutdown": 2, "cancel": 3, "signal": 1, "pause": 1},
    "maps": {"map": 8, "submit": 5, "odd": 1, "signal": 1, "flood": 1},
    "forks": {"submit": 10, "forks": 4, "parent forks": 1, "server": 2, "lethal": 2, "flood": 1},
}


@final
@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is done: which, to what, how much of it."""

    name: str
    word: str = ""
    number: int = 0
    size: int = 0


@final
@dataclass(frozen=True, slots=True)
class Scenario:
    """A pool, and what is done with it."""

    seed: int
    theme: str
    method: Method
    policy: Policy
    workers: int
    tasks: int | None  # max_tasks_per_child
    initializer: bool
    ending: str
    steps: tuple[Step, ...]
    kept: tuple[int, ...] | None = None  # which steps, if not all

    @property
    def name(self) -> str:
        """Return what names the scenario, and its steps if some were left out."""
        return str(self.seed) if self.kept is None else f"{self.seed}:{_ranges(self.kept)}"

    def only(self, kept: Sequence[int]) -> "Scenario":
        """Return the scenario with only some of its steps."""
        chosen = tuple(self.steps[number] for number in kept)
        before = range(len(self.steps)) if self.kept is None else self.kept
        return replace(self, steps=chosen, kept=tuple(before[number] for number in kept))


def _ranges(numbers: Sequence[int]) -> str:
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][-1] == number - 1:
            found[-1].append(number)
        else:
            found.append([number])
    return ",".join(str(x[0]) if len(x) == 1 else f"{x[0]}-{x[-1]}" for x in found)


def read(name: str) -> Scenario:
    """Return the scenario of a name; raise ValueError if it is none."""
    seed, some, listed = name.partition(":")
    scenario = draw(int(seed))
    if not some:
        return scenario
    kept: list[int] = []
    for part in filter(None, listed.split(",")):
        first, _, last = part.partition("-")
        kept.extend(range(int(first), int(last or first) + 1))
    if kept and kept[-1] >= len(scenario.steps):
        raise ValueError(f"scenario {seed} has {len(scenario.steps)} steps")
    return scenario.only(kept)


def draw(seed: int) -> Scenario:
    """Return the scenario of a seed."""
    coin = Random(seed)
    method = coin.choice(METHODS)
    policy: Policy = "break" if method == "fork" or coin.random() < 0.3 else "replace"
    theme = coin.choice(list(THEMES))
    limits = {"fork": (None,), "forkserver": (None, None, 1, 3), "spawn": (None, None, 4, 10)}
    tasks = coin.choice(limits[method])
    endings = ("with", "with", "shutdown", "cancel", "drop", "twice", "terminate", "kill")
    return Scenario(
        seed=seed,
        theme=theme,
        method=method,
        policy=policy,
        workers=coin.choice((1, 1, 2, 2, 3, 4)),
        tasks=tasks,
        initializer=coin.random() < 0.5,
        ending=coin.choice(endings),
        steps=tuple(_steps(coin, theme, method, tasks)),
    )


def _steps(coin: Random, theme: str, method: Method, tasks: int | None) -> Iterator[Step]:
    weights = THEMES[theme]
    for _ in range(coin.choice((3, 8, 15, 30, 60) if tasks is None else (3, 8, 15))):
        name = coin.choices(list(weights), list(weights.values()))[0]
        if name == "server" and method != "forkserver":
            name = "submit"
        step = _step(coin, name)
        if tasks is not None and step.name in ("flood", "map"):
            step = replace(step, number=min(step.number, 6 * tasks))  # each start takes its time
        yield step


_ORDINARY: Final = (*GOOD[:4], *GOOD[:2], *RAISES, *STILL)
_ODD: Final = (*NEVER_SENT, *UNREAD, *BAD_ANSWER, *RAISES)
_SIGNALS: Final = ("SIGKILL", "SIGKILL", "SIGSEGV", "SIGTERM", "SIGSTOP", "SIGSTOP")
_ENDS: Final = ("", "", "cancel", "wait", "terminate", "kill", "drop")


def _step(coin: Random, name: str) -> Step:
    match name:
        case "submit":
            return Step("submit", coin.choice(_ORDINARY), coin.randrange(20))
        case "sized":
            size = coin.choices(SIZES, (2, 4, 6, 4, 3, 2))[0]
            return Step("submit", coin.choice(SIZED), size=size + coin.randrange(50))
        case "odd":
            return Step("submit", coin.choice(_ODD))
        case "lethal":
            return Step("submit", coin.choice((*LETHAL, *DEADLY)))
        case "forks":
            return Step("submit", coin.choice(("forks", "forks and dies")))
        case "callback":
            return Step("callback", coin.choice(CALLBACKS), coin.randrange(20))
        case "flood":
            return Step("flood", "value", coin.choice((10, 40, 200)))
        case "cancel" | "look":
            return Step(name, coin.choice(("newest", "any", "some")), coin.randrange(1_000))
        case "signal":
            return Step("signal", coin.choice(_SIGNALS), coin.randrange(1_000))
        case "storm":
            return Step("storm", coin.choice(("SIGKILL", "SIGSTOP", "both")), coin.randrange(9))
        case "wait":
            return Step(name, coin.choice(("ALL", "FIRST", "iterate", "join")), coin.randrange(30))
        case "map":
            return Step(name, coin.choice(("1", "7", "None")), coin.choice((0, 5, 60)))
        case "pause":
            return Step(name, number=coin.choice((1, 5, 20, 50)))
        case "shutdown":
            return Step(name, coin.choice(_ENDS))
        case _:  # "parent forks", "server"
            return Step(name)
