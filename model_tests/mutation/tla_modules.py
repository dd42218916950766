"""The good modules of ``tla/``: their definitions, and which of them say what changes.

A subject is a model: the modules in which its actions are written, its next-state
relation, its initial states and its fairness.  What it extends belongs to another.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, final

from model_tests.chain.java import TLA
from model_tests.mutation.tla_parse import Definition, Node, definitions

_STANDARD: Final = frozenset({"Naturals", "Integers", "Sequences", "FiniteSets", "TLC"})


@final
@dataclass(frozen=True, slots=True)
class Subject:
    """One model, and where it is written."""

    name: str  # the module that has its next-state relation
    root: str  # what extends it, with the claims and the bounds that a .cfg cannot write
    also: tuple[str, ...] = ()  # modules that are part of it
    next: str = "Next"
    init: str = "Init"
    fairness: str = "Fairness"

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that are mutated."""
        return (*self.also, self.name)


SUBJECTS: Final = (
    Subject("Future", "MCFuture"),
    Subject("Waiting", "MCWaiting"),
    Subject("Map", "MCMap", next="Steps"),
    Subject("ThreadPool", "MCThreadPool"),
    Subject(
        "ThreadPoolCallbacks",
        "ThreadPoolCallbacks",
        next="NextC",
        init="InitC",
        fairness="FairnessC",
    ),
    Subject("ProcessPool", "MCProcessPool", ("ProcessPoolState",), fairness="FairnessBut"),
    Subject("ClaimTickets", "MCClaimTickets", ("ClaimTicketsState", "ClaimTicketsProcess")),
    Subject(
        "ClaimTicketsRefines",
        "ClaimTicketsRefines",
        next="NextR",
        init="InitR",
        fairness="FairnessR",
    ),
)


@final
@dataclass(frozen=True)
class Module:
    """One file: its text and its definitions."""

    name: str
    path: Path
    text: str

    @cached_property
    def definitions(self) -> Mapping[str, Definition]:
        """The definitions by their names, in order."""
        return {each.name: each for each in definitions(self.text)}

    @cached_property
    def extends(self) -> tuple[str, ...]:
        """The modules of ``tla/`` that it extends."""
        return tuple(name for name in self._extended if name not in _STANDARD)

    @cached_property
    def standard(self) -> tuple[str, ...]:
        """The modules of TLA+ itself that it extends."""
        return tuple(name for name in self._extended if name in _STANDARD)

    @cached_property
    def _extended(self) -> tuple[str, ...]:
        found = re.search(r"^EXTENDS (.*)$", self.text, re.MULTILINE)
        return tuple(re.split(r"\s*,\s*", found[1].strip())) if found else ()

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The variables that it declares."""
        found = re.search(r"^VARIABLES\n((?:  .*\n)+)", self.text, re.MULTILINE)
        plain = re.sub(r"\\\*.*", "", found[1]) if found else ""
        return tuple(re.findall(r"\w+", plain))


def module(name: str, folder: Path = TLA) -> Module:
    """Read a module."""
    path = folder / f"{name}.tla"
    return Module(name, path, path.read_text(encoding="utf-8"))


class Context:
    """A subject with all that its modules extend."""

    def __init__(self, subject: Subject, folder: Path = TLA) -> None:
        self.subject = subject
        self.modules: dict[str, Module] = {}  # what is extended comes first
        self._read(subject.root, folder)
        self.definitions = {
            name: each
            for found in self.modules.values()
            for name, each in found.definitions.items()
        }
        self.variables = [name for each in self.modules.values() for name in each.variables]
        self._tuples = {
            name: self._named(each.body)
            for name, each in self.definitions.items()
            if each.body.kind == "bracket" and each.body.text == "<<"
        }
        self.changes: dict[str, frozenset[str]] = {}  # what each operator primes
        self.holds_still: dict[str, frozenset[str]] = {}  # what it leaves UNCHANGED
        self._close()

    @cached_property
    def standard(self) -> frozenset[str]:
        """The modules of TLA+ itself that are extended."""
        return frozenset(name for each in self.modules.values() for name in each.standard)

    def _read(self, name: str, folder: Path) -> None:
        if name not in self.modules:
            found = module(name, folder)
            for each in found.extends:
                self._read(each, folder)
            self.modules[name] = found

    def _named(self, body: Node) -> frozenset[str]:
        return frozenset(node.text for node in body if node.kind == "name")

    def expand(self, names: frozenset[str]) -> frozenset[str]:
        """Replace the names of tuples of variables by the variables."""
        while again := names & self._tuples.keys():
            names = names - again
            for each in again:
                names |= self._tuples[each]
        return names & frozenset(self.variables)

    def _close(self) -> None:
        before = -1
        while before != (
            size := sum(map(len, (*self.changes.values(), *self.holds_still.values())))
        ):
            before = size
            for name, each in self.definitions.items():
                if not is_temporal(each.body):
                    self.changes[name] = self.primed(each.body)
                    self.holds_still[name] = self.unchanged(each.body)
            size = sum(map(len, (*self.changes.values(), *self.holds_still.values())))

    def primed(
        self, node: Node, local: Mapping[str, frozenset[str]] | None = None
    ) -> frozenset[str]:
        """Return the variables that a part of an action gives new values."""
        local = dict(local or {})
        found: frozenset[str] = frozenset()
        for each in node:
            if each.kind == "definition":
                local[each.text] = self.primed(each.parts[0], local)
            elif each.kind == "prime":
                found |= self._named(each) & frozenset(self.variables)
            elif each.kind == "name":
                found |= local.get(each.text, frozenset()) | self.changes.get(
                    each.text, frozenset()
                )
        return found

    def unchanged(self, node: Node) -> frozenset[str]:
        """Return the variables that a part of an action leaves as they are."""
        found: frozenset[str] = frozenset()
        for each in node:
            if each.kind == "prefix" and each.text == "UNCHANGED":
                found |= self.expand(self._named(each))
            elif each.kind == "name":
                found |= self.holds_still.get(each.text, frozenset())
        return found

    def is_effect(self, node: Node, local: Mapping[str, frozenset[str]]) -> bool:
        """Say whether a part of an action says what changes, or what does not."""
        return bool(self.primed(node, local) or self.unchanged(node))

    def is_action(self, name: str) -> bool:
        """Say whether an operator says something of the next state."""
        return bool(self.changes.get(name) or self.holds_still.get(name))

    @cached_property
    def domains(self) -> Mapping[str, tuple[str, ...]]:
        """The strings that each variable may hold, by TypeOK."""
        found: dict[str, tuple[str, ...]] = {}
        for each in self.modules.values():
            body = each.definitions["TypeOK"].body if "TypeOK" in each.definitions else None
            for node in body or ():
                if node.kind == "infix" and node.text == "\\in" and node.parts[0].kind == "name":
                    found[node.parts[0].text] = tuple(sorted(self._strings(node.parts[1])))
        return found

    def _strings(self, node: Node) -> set[str]:
        found: set[str] = set()
        for each in node:
            if each.kind == "string":
                found.add(each.text)
            elif each.kind == "name" and each.text in self.definitions:
                body = self.definitions[each.text].body
                if body.kind in ("bracket", "infix") and not self._named(body) & {each.text}:
                    found |= self._strings(body)
        return found

    def reachable(self, root: str, own: bool = True) -> tuple[str, ...]:
        """Return the definitions that ``root`` is made of: the subject's own, or all."""
        modules = self.subject.modules if own else tuple(self.modules)
        within = {name for each in modules for name in self.modules[each].definitions}
        found: list[str] = []
        ahead = [root]
        while ahead:
            name = ahead.pop(0)
            if name in found or name not in self.definitions:
                continue
            found.append(name)
            ahead += sorted(self._named(self.definitions[name].body))
        return tuple(name for name in self.definitions if name in found and name in within)

    @cached_property
    def groups(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the groups that Next is made of, and the actions that these are made of."""
        groups: list[str] = []
        actions: list[str] = []
        ahead = [self.subject.next]
        while ahead:
            name = ahead.pop(0)
            calls = self._called(self.definitions[name].body)
            (actions if calls is None else groups).append(name)
            ahead += [each for each in calls or () if each not in (*groups, *actions, *ahead)]
        in_order = tuple(self.definitions)
        return (
            tuple(sorted(groups, key=in_order.index)),
            tuple(sorted(actions, key=in_order.index)),
        )

    def _called(self, body: Node) -> list[str] | None:
        """Return the actions of a group; None if this is no group but an action."""
        match body.kind:
            case "or":
                parts = [self._called(part) for part in body.parts]
                if any(part is None for part in parts):
                    return None
                return [name for part in parts for name in part or ()]
            case "quantifier" if body.text == "\\E":
                return self._called(body.parts[-1])
            case "bracket" if body.text == "(":
                return self._called(body.parts[0])
            case "name" | "apply" if self.is_action(body.text):
                return [body.text]
            case _:
                return None


def is_temporal(node: Node) -> bool:
    """Say whether a formula is about behaviours, not about states and steps."""
    return any(
        (each.kind == "prefix" and each.text in ("[]", "<>"))
        or (each.kind == "infix" and each.text == "~>")
        or (each.kind == "name" and re.match(r"[WS]F_", each.text))
        for each in node
    )
