"""What is different from run to run: the pool, the lanes, and who is how busy."""

from typing import Final

from model_tests.simulation.choices import Choices

#: Who is chosen how often: client, worker, process, callbacks thread, nemesis.
WEIGHTS: Final = ("pppwwcckn", "ppppwcn", "pwcccn", "pppppwwck", "wwwwpccn", "pppppppwcccn")
#: What befalls processes: mostly nothing, deaths, stops, Ctrl-C, lies.
NEMESES: Final = (
    ("go",),
    ("go", "die"),
    ("go", "go", "stop"),
    ("go", "stop", "die"),
    ("go", "interrupt", "stop"),
    ("go", "go", "die", "stop", "interrupt"),
    ("go", "go", "lie", "stop"),
    ("go", "die", "shut"),
)
LANES: Final = ((4096,), (4096, 60), (23, 60), (5, 17, 300), (200,))


class Settings:
    """The settings of one run."""

    __slots__ = (
        "bytes", "depth", "forks", "gap", "lanes", "limit", "max_tasks", "nemesis", "overtaken",
        "refusals", "replaces", "serials", "steps", "weights",
    )  # fmt: skip

    def __init__(self, choices: Choices) -> None:
        self.limit = choices.pick((2, 1, 2, 3))
        self.replaces = choices.below(2) == 1
        self.max_tasks: int | None = choices.pick((None, None, 1, 2, 3))
        self.forks = not self.replaces and self.max_tasks is None and choices.below(3) == 2
        self.depth = choices.pick((2, 1, 2, 3, 4))
        self.serials = self.depth * choices.pick((64, 2, 3))
        self.bytes = choices.pick((1 << 20, 1 << 20, 150))
        self.overtaken = self.limit * self.depth * choices.pick((64, 1, 2, 4))
        self.lanes = choices.pick(LANES)
        self.weights = choices.pick(WEIGHTS)
        self.nemesis = choices.pick(NEMESES)
        self.refusals = choices.rarely(6)
        self.gap = choices.pick((200, 40, 20, 12, 6))
        self.steps = choices.pick((20, 10, 40, 80))
