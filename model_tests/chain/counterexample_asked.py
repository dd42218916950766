"""What only TLC can say of a counterexample: its bounds, and what claim tickets are as a pool.

A module is made that extends those of the counterexample, and has TLC print what is asked.
The claim tickets have no twin in Python, but they refine the process pool: the substitutions
of ``tla/ClaimTicketsRefines.tla`` are read there, and each state is printed through them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast, final

from foregone_spec.counterexample import KINDS, State
from foregone_spec.kinds import field_types, plain_fields
from foregone_spec.model import Model, Value
from model_tests.chain.java import TLA
from model_tests.chain.pairs import PAIRS, AnyModel, constants
from model_tests.chain.tlc import Config, run
from model_tests.chain.values import NoValue, printed

POOL: Final = "ProcessPool"
TICKETS: Final = "ClaimTickets"
_REFINES: Final = "ClaimTicketsRefines"
_MODULE: Final = "Asked"
#: Of these configurations of the claim tickets ClaimTicketsRefines can be asked: it assumes so.
_REFINABLE: Final = ("SPECIFICATION Spec\n", "Poison = {}", "Requests = {}", "Endless = FALSE")


@final
@dataclass(frozen=True, slots=True)
class Asked:
    """A configuration, and the folder that has its modules."""

    config: Config
    home: Path
    room: Path  # where a module may be made

    @property
    def subject(self) -> str:
        """The good module that it is about."""
        return self.config.path.stem.partition("-")[0]

    @property
    def refinable(self) -> bool:
        """Whether it is about claim tickets that are, or ought to be, a process pool."""
        text = self.config.path.read_text(encoding="utf-8")
        return self.subject == TICKETS and all(each in text for each in _REFINABLE)

    def bounds(self) -> Mapping[str, object]:
        """Return the fields of our model that its constants are."""
        names = ", ".join(constants(_twin(self.subject)))
        text = f'Stays == UNCHANGED vars\nASSUME PrintT(<<"GIVEN", {names}>>)\n'
        output = self._said((), text, "INIT Init\nNEXT Stays\n")
        return _fields(self.subject, output)

    def as_pool(
        self, states: Sequence[Mapping[str, str]]
    ) -> tuple[Mapping[str, object], list[State]]:
        """Return what claim tickets are as a process pool: its bounds, and each state."""
        twin, maps = _twin(POOL), _substitutions()
        variables = variables_of(POOL)
        shown, given = (
            ", ".join(maps.get(name, name) for name in names)
            for names in (variables, constants(twin))
        )
        records = (
            ", ".join(f"{name} |-> {text}" for name, text in state.items()) for state in states
        )
        begins = "".join(f"  /\\ {name} = States[place].{name}\n" for name in states[0])
        output = self._said(
            (_REFINES,),
            f"VARIABLE place\nStates == <<{', '.join(f'[{each}]' for each in records)}>>\n"
            f"Begins ==\n  /\\ place \\in DOMAIN States\n{begins}"
            "  /\\ closers = <<>> /\\ early = 0\n"
            "Stays == UNCHANGED <<varsR, place>>\n"
            f'Show == PrintT(<<"SEEN", place, <<{shown}>>>>)\n'
            f'ASSUME PrintT(<<"GIVEN", {given}>>)\n',
            "  Closers <- NoClosers\nINIT Begins\nNEXT Stays\nINVARIANT Show\n",
        )
        found = dict(_seen(output, variables))
        return _fields(POOL, output), [found[place] for place in range(1, len(states) + 1)]

    def _said(self, extends: Sequence[str], text: str, rest: str) -> str:
        """Let TLC evaluate ``text`` under the constants of the configuration."""
        for path in self.home.glob("*.tla") if self.home not in (TLA, self.room) else ():
            (self.room / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
        names = ", ".join((*extends, self.config.module, "TLC"))
        module = f"---- MODULE {_MODULE} ----\nEXTENDS {names}\n{text}====\n"
        (self.room / f"{_MODULE}.tla").write_text(module, encoding="utf-8")
        given = self.config.path.read_text(encoding="utf-8")
        kept = re.search(r"^CONSTANTS?\n(?:  .*\n)*", given, re.MULTILINE)
        path = self.room / f"{_MODULE}.cfg"
        path.write_text(f"{kept[0] if kept else ''}{rest}", encoding="utf-8")
        return run(Config(path, _MODULE, "what is asked", (), ())).output


def _twin(name: str) -> AnyModel:
    return next(pair.model for pair in PAIRS if pair.model.name == name)


def variables_of(name: str) -> Sequence[str]:
    """Return the variables of a model of ours, none where we have none of that name."""
    if name not in KINDS:
        return ()
    model = cast("Model[object, object]", _twin(name))
    return tuple(model.variables(model.initial()[0]))


def _substitutions() -> Mapping[str, str]:
    """Return what the claim tickets are as a process pool, name by name."""
    text = (TLA / f"{_REFINES}.tla").read_text(encoding="utf-8")
    instance = re.search(r"INSTANCE ProcessPool WITH\n(.*?)\n\n", text, re.DOTALL)
    if instance is None:
        raise NoValue(f"tla/{_REFINES}.tla has no instance of ProcessPool")
    parts = re.split(r",?\s*(\w+) <- ", f" {instance[1]}")
    return {
        name: " ".join(said.split()) for name, said in zip(parts[1::2], parts[2::2], strict=True)
    }


def _fields(name: str, output: str) -> Mapping[str, object]:
    """Return the fields of our model that TLC has printed."""
    values = printed(output, "GIVEN")
    if len(values) != 1:
        raise NoValue(f"TLC says nothing of the bounds:\n{output[-2000:]}")
    names = field_types(KINDS[name].make)
    given = {each: _listed(found) for each, found in zip(names, values[0], strict=True)}
    return plain_fields(KINDS[name].model(given))


def _seen(output: str, variables: Sequence[str]) -> Iterator[tuple[int, State]]:
    for place, values in printed(output, "SEEN"):
        if not isinstance(place, int) or not isinstance(values, tuple):
            raise NoValue(f"{place!r}, {values!r} is no state")
        yield place, dict(zip(variables, values, strict=True))


def _listed(found: Value) -> object:
    return [_listed(each) for each in found] if isinstance(found, tuple) else found
