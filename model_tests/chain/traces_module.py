"""A TLA+ module that follows recorded runs through the models of ``tla/`` as they are.

Such a module has the variables of one model, and an instance of it for each choice of
constants among the runs.  A step of a run is taken where the action of that name, with
those arguments, and the model's own ``Next`` both allow it, and what was recorded of the
variables is true after it; the actions that a recording does not see may come before.
TLC prints how far each run came.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import Any, Final, Generic, TypeAlias, cast, final

from foregone_spec.kinds import AnyKind, field_types, kind_of, plain_value
from foregone_spec.model import A, Model, S, tla_text
from foregone_spec.trace import Step, Verdict, check
from model_tests.chain.command import BUILD
from model_tests.chain.pairs import AnyModel, constants
from model_tests.chain.tlc import HOLDS, Config, run

FOLDER: Final = BUILD / "traces"

#: The set that a field of an action is from: a name that the instance I has, or a set.
FIELDS: Final[Mapping[str, str]] = {
    "agent": "I!Agent",
    "callback": "I!Callback",
    "closer": "I!Closer",
    "ending": '{"result", "exception", "cancelled"}',
    "future": "I!Future",
    "process": "I!Process",
    "thread": "I!Thread",
    "work_id": "I!WorkId",
    "caller": "I!Caller",
}
#: Where an action does not allow all of it.
EXCEPT: Final[dict[tuple[str, str], str]] = {
    ("Future", "Cancel"): "I!Canceller",
    ("Future", "SetResult"): "I!Resolver \\union {I!Executor}",
    ("Future", "CallResult"): "DOMAIN results",
    ("Future", "GiveUpResult"): "DOMAIN results",
    ("Future", "CallWait"): "DOMAIN waits",
    ("Future", "GiveUpWait"): "DOMAIN waits",
    ("ThreadPool", "Discard"): "{0} \\union I!Thread",
}


@final
@dataclass(frozen=True)  # with slots, a generic dataclass cannot be made
class Trace(Generic[S, A]):
    """A recorded run: its steps, and the actions that may come unseen."""

    source: str
    model: Model[S, A]
    steps: tuple[Step[A], ...]
    silent: frozenset[A]

    def verdict(self) -> Verdict[S, A]:
        """Say what the Python specification makes of it."""
        return check(self.model, self.steps, self.silent.__contains__)

    @property
    def key(self) -> str:
        """What tells this run from others."""
        return f"{self.model} {self.steps} {sorted(map(str, self.silent))}"


#: A run of any of the models.
AnyTrace: TypeAlias = Trace[Any, Any]


def universe(model: Model[S, A], most: int) -> Iterator[A]:
    """Yield the model's actions, with numbers from 0 to ``most``."""
    kind: Any = kind_of(model)
    for made in kind.actions.values():
        types = field_types(made).values()
        choices = [
            tuple(each) if isinstance(each, type) and issubclass(each, Enum) else range(most + 1)
            for each in types
        ]
        for values in product(*choices):
            yield made(*values)


def largest(model: Model[S, A]) -> int:
    """Return a number that no argument of an action of ``model`` exceeds."""
    (state, *_) = model.initial()
    found = model.variables(state).values()
    return max(2, *(len(each) for each in found if isinstance(each, tuple)))


def unseen(model: Model[S, A], silent: Callable[[A], bool]) -> frozenset[A]:
    """Return all actions of ``model`` that are silent."""
    return frozenset(filter(silent, universe(model, largest(model))))


# ---------------------------------------------------------------- as TLA+ text


class Words:
    """Steps as TLA+ text, each once."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.variables: set[str] = set()

    def number(self, step: Step[Any], kind: AnyKind) -> int:
        """Return the place of a step in the table."""
        name, *values = kind.plain(step.action).values()
        known = dict(step.variables or {})
        self.variables |= known.keys()
        record = ", ".join(f"{each} |-> {tla_text(value)}" for each, value in known.items())
        arguments = tla_text(plain_value(values, "arguments"))
        recorded = f"[{record}]" if known else "<<>>"
        text = f'<<"{name}", {arguments}, {recorded}>>'
        return self.numbers.setdefault(text, len(self.numbers) + 1)


def module(name: str, traces: Sequence[AnyTrace]) -> str:
    """Return the module ``name`` that follows ``traces``, all of one model."""
    first = traces[0].model
    kind = kind_of(first)
    words = Words()
    models = list(dict.fromkeys(each.model for each in traces))
    runs = [[words.number(step, kind) for step in each.steps] for each in traces]
    unseen = [sorted(words.number(Step(action), kind) for action in each.silent) for each in traces]
    (state, *_) = first.initial()
    variables = ", ".join(first.variables(state))
    lines = [
        f"---- MODULE {name} ----",
        "EXTENDS Naturals, Sequences, TLC",
        f"VARIABLES {variables}, run, place",
        _table("Steps", words.numbers),
        _table("Runs", [tla_text(tuple(each)) for each in runs]),
        _table("Silent", [tla_text(tuple(each)) for each in unseen]),
        _table("Group", [str(models.index(each.model) + 1) for each in traces]),
        *(_instance(number, each) for number, each in enumerate(models, start=1)),
        _choice("Starts", [f"I{n}!Init" for n, _ in enumerate(models, start=1)]),
        _choice("Goes", [f"I{n}!Next" for n, _ in enumerate(models, start=1)]),
        _choice("Does(step)", [f"Does{n}(step)" for n, _ in enumerate(models, start=1)]),
        "Known(all) ==",
        *(
            f'  /\\ "{each}" \\in DOMAIN all => {each}\' = all.{each}'
            for each in sorted(words.variables)
        ),
        "  /\\ TRUE",
        "Begins == run \\in DOMAIN Runs /\\ place = 1 /\\ Starts",
        "Follows ==",
        "  /\\ place <= Len(Runs[run])",
        "  /\\ LET step == Steps[Runs[run][place]] IN Does(step) /\\ Known(step[3])",
        "  /\\ Goes",
        "  /\\ place' = place + 1 /\\ UNCHANGED run",
        '  /\\ PrintT(<<"AT", run, place>>)',
        "Unseen ==",
        "  /\\ place <= Len(Runs[run])",
        "  /\\ \\E n \\in DOMAIN Silent[run] : Does(Steps[Silent[run][n]])",
        "  /\\ Goes",
        "  /\\ UNCHANGED <<run, place>>",
        "Moves == Follows \\/ Unseen",
        "====",
    ]
    return "\n".join(lines) + "\n"


def _table(name: str, rows: Iterable[str]) -> str:
    return f"{name} == <<\n  " + ",\n  ".join(rows) + ">>"


def _instance(number: int, model: Model[Any, Any]) -> str:
    """Return an instance of the model, and its actions by name."""
    kind = kind_of(model)
    given = ", ".join(
        f"{name} <- {value}" for name, value in constants(cast("AnyModel", model)).items()
    )
    cases: list[str] = []
    for name, made in kind.actions.items():
        fields = list(field_types(made))
        places = [f"step[2][{each}]" for each, _ in enumerate(fields, start=1)]
        sets = [EXCEPT.get((model.name, name), FIELDS[each]) for each in fields]
        within = [f"{each} \\in {of}" for each, of in zip(places, sets, strict=True)]
        call = f"I!{name}({', '.join(places)})" if fields else f"I!{name}"
        cases.append(f'step[1] = "{name}" -> ' + " /\\ ".join((*within, call)))
    text = "\n     [] ".join(cases).replace("I!", f"I{number}!")
    return f"I{number} == INSTANCE {model.name} WITH {given}\nDoes{number}(step) ==\n  CASE {text}"


def _choice(name: str, choices: Sequence[str]) -> str:
    cases = [f"Group[run] = {number} -> {text}" for number, text in enumerate(choices, start=1)]
    return f"{name} ==\n  CASE " + "\n    [] ".join(cases)


# ----------------------------------------------------------------- TLC's verdict


@final
@dataclass(frozen=True, slots=True)
class Followed:
    """How many steps of each run TLC could follow."""

    steps: tuple[int, ...]
    states: int
    seconds: float


_AT: Final = re.compile(r'<<"AT", (\d+), (\d+)>>')


def follow(name: str, traces: Sequence[AnyTrace]) -> Followed:
    """Let TLC follow ``traces``, all of one model."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    FOLDER.joinpath(f"{name}.tla").write_text(module(name, traces), encoding="utf-8")
    path = FOLDER / f"{name}.cfg"
    path.write_text("INIT Begins\nNEXT Moves\n", encoding="utf-8")
    outcome = run(Config(path, name, "recorded runs", (), ()))
    if outcome.result != HOLDS:
        raise RuntimeError(f"TLC failed on {path}:\n{outcome.output[-4000:]}")
    return Followed(reached(outcome.output, len(traces)), outcome.states, outcome.seconds)


def reached(output: str, runs: int) -> tuple[int, ...]:
    """Read how far each run came."""
    steps = [0] * runs
    for number, place in _AT.findall(output):
        steps[int(number) - 1] = max(steps[int(number) - 1], int(place))
    return tuple(steps)
