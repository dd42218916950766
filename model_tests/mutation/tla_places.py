r"""Where a module can be mutated, and how: the places of a definition, one after another.

A conjunct that says nothing of the next state is a guard: it is dropped.  (To negate it adds
nothing: in each state the guard is as if it were dropped, or as if it were negated; so a
negated guard that changes no step in any state that is reached, in a model that is as it
was, could be dropped as well.)  One that does is an effect: it is frozen, so that what it
changes stays as it was, and each name of a state in it is redirected to another.  A
condition is forced, either way; an alternative or an element of a set is dropped; an arm of
CASE never comes, or does what the next one does; a bound moves by one; a fairness condition
is dropped.  What is left UNCHANGED is not mutated: TLC refuses a step that leaves a variable
open.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, final

from model_tests.mutation.tla_modules import Context
from model_tests.mutation.tla_parse import COMPARISONS, Definition, Node

Local: TypeAlias = Mapping[str, frozenset[str]]

_MOVED: Final = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_FLIPPED: Final = {"TRUE": "FALSE", "FALSE": "TRUE"}
_BOOLEAN: Final = ("and", "or", "quantifier")


@final
@dataclass(frozen=True, slots=True)
class Change:
    """A place, and what is to stand there: text, or the text of another place."""

    kind: str
    start: int
    end: int
    text: str = ""
    other: tuple[int, int] | None = None


class Places:
    """The places of one definition."""

    def __init__(self, context: Context, text: str, definition: Definition) -> None:
        self._context = context
        self._text = text
        self._definition = definition
        self.guards = 0
        self.effects = 0

    # ------------------------------------------------------------- an action, a formula

    def formula(self, node: Node, local: Local) -> Iterator[Change]:
        """Yield the changes of a formula: conjuncts, alternatives, and what is in them."""
        match node.kind:
            case "and":
                for part in node.parts:
                    yield from self.formula(part, local)
            case "or":
                for part in node.parts:
                    yield Change("alternative dropped", part.start, part.end, "FALSE")
                    if not self._is_call(part):
                        yield from self.formula(part, local)
            case "let":
                yield from self._let(node, local)
            case "if":
                yield from self._condition(node.parts[0])
                for part in node.parts[1:]:
                    yield from self.formula(part, local)
            case "case":
                yield from self._cases(node, local)
            case "quantifier" if node.text != "CHOOSE" and self._within(node, local):
                if self._context.is_effect(node.parts[-1], local):
                    if not self._is_call(node.parts[-1]):
                        yield from self.formula(node.parts[-1], local)
                else:
                    yield from self._guard(node, inside=False)
                    yield from self.formula(node.parts[-1], local)
            case "bracket" if node.text == "(" and len(node.parts) == 1:
                yield from self.formula(node.parts[0], local)
            case _:
                yield from self._leaf(node, local)

    def _within(self, node: Node, local: Local) -> bool:
        body = node.parts[-1]
        return self._context.is_effect(body, local) or body.kind in _BOOLEAN

    def _is_call(self, node: Node) -> bool:
        """Say whether a part is an action that stands elsewhere."""
        name = node.text if node.kind in ("name", "apply") else ""
        return self._context.is_action(name)

    def _leaf(self, node: Node, local: Local) -> Iterator[Change]:
        changed = self._context.primed(node, local)
        if changed:
            self.effects += 1
            names = ", ".join(sorted(changed))
            still = f"UNCHANGED <<{names}>>" if len(changed) > 1 else f"UNCHANGED {names}"
            yield Change("effect frozen", node.start, node.end, still)
            said = node.parts[1] if node.kind == "infix" else node
            yield from self.value(said, self._domain(changed))
        elif not self._context.is_effect(node, local) and node.text not in _FLIPPED:
            yield from self._guard(node)

    def _guard(self, node: Node, inside: bool = True) -> Iterator[Change]:
        self.guards += 1
        yield Change("guard dropped", node.start, node.end, "TRUE")
        if inside:
            yield from self.value(node, None)

    def _let(self, node: Node, local: Local) -> Iterator[Change]:
        local = dict(local)
        for part in node.parts[:-1]:
            body = part.parts[0]
            local[part.text] = self._context.primed(body, local)
            if local[part.text] or is_boolean(body):
                yield from self.formula(body, local)
            else:
                yield from self.value(body, None)
        yield from self.formula(node.parts[-1], local)

    def _cases(self, node: Node, local: Local) -> Iterator[Change]:
        for number, arm in enumerate(node.parts):
            condition, outcome = arm.parts
            if condition.text != "OTHER":
                yield Change("cell dropped", condition.start, condition.end, "FALSE")
                if condition.kind == "and":
                    yield from self.formula(condition, local)
            after = node.parts[(number + 1) % len(node.parts)].parts[1]
            other = (after.start, after.end)
            if self._text[slice(*other)] != self._of(outcome):
                yield Change("cell redirected", outcome.start, outcome.end, other=other)
            yield from self.formula(outcome, local)

    def _condition(self, node: Node) -> Iterator[Change]:
        for truth in ("TRUE", "FALSE"):
            yield Change("branch forced", node.start, node.end, truth)
        if node.kind == "and":
            for part in node.parts:
                yield Change("condition dropped", part.start, part.end, "TRUE")
        if node.kind == "or":
            for part in node.parts:
                yield Change("condition dropped", part.start, part.end, "FALSE")
        yield from self.value(node, None)

    # ---------------------------------------------------------------------- a value

    def value(self, node: Node, domain: tuple[str, ...] | None) -> Iterator[Change]:
        """Yield the changes inside a value; with a domain, its names are redirected."""
        if node.kind == "if":
            yield from self._condition(node.parts[0])
            for part in node.parts[1:]:
                yield from self.value(part, domain)
            return
        if node.kind == "bracket" and node.text == "{":
            yield from self._elements(node)
            return
        if node.kind == "infix" and node.text in _MOVED:
            sign = self._sign(node)
            yield Change("bound moved", *sign, _MOVED[node.text])
        if node.kind == "infix" and node.text in COMPARISONS:
            domain = None  # what it is compared with
        if node.kind == "string" and domain is not None:
            yield from self._redirected(node, domain)
        for part in node.parts:
            yield from self.value(part, domain)

    def _elements(self, node: Node) -> Iterator[Change]:
        if not all(part.kind in ("string", "name", "number") for part in node.parts):
            for part in node.parts:
                yield from self.value(part, None)
        elif len(node.parts) > 1:
            for part in node.parts:
                rest = ", ".join(self._of(other) for other in node.parts if other is not part)
                yield Change("element dropped", node.start, node.end, f"{{{rest}}}")

    def _redirected(self, node: Node, domain: tuple[str, ...]) -> Iterator[Change]:
        if not domain:
            known = self._context.domains.values()
            domain = next((each for each in known if node.text in each), ())
        if len(domain) > 1 and node.text in domain:
            to = domain[(domain.index(node.text) + 1) % len(domain)]
            yield Change("value redirected", node.start, node.end, to)

    def _domain(self, changed: frozenset[str]) -> tuple[str, ...]:
        """Return what one variable may hold; of several, the string itself decides."""
        return self._context.domains.get(next(iter(changed)), ()) if len(changed) == 1 else ()

    def initial(self, node: Node) -> Iterator[Change]:
        """Yield other initial values."""
        for each in node:
            if each.kind == "string":
                yield from self._redirected(each, ())
            elif each.text in _FLIPPED:
                yield Change("value redirected", each.start, each.end, _FLIPPED[each.text])
            elif each.kind == "number" and each.text in ("0", "1"):
                changed = "1" if each.text == "0" else "0"
                yield Change("value redirected", each.start, each.end, changed)

    def fair(self, node: Node) -> Iterator[Change]:
        """Yield weaker fairness."""
        if node.kind in ("and", "quantifier"):
            for part in node.parts:
                yield from self.fair(part)
        elif node.kind == "bracket" and node.text == "(":
            yield from self.fair(node.parts[0])
        elif node.kind == "apply" and node.text.startswith(("WF_", "SF_")):
            yield Change("fairness dropped", node.start, node.end, "TRUE")
            if node.text.startswith("SF_"):
                weak = f"W{self._of(node)[1:]}"
                yield Change("fairness weakened", node.start, node.end, weak)

    # ------------------------------------------------------------------------- text

    def _of(self, node: Node) -> str:
        return self._text[node.start : node.end]

    def _sign(self, node: Node) -> tuple[int, int]:
        """Return where the operator of an infix stands."""
        start = self._text.index(node.text, node.parts[0].end, node.parts[1].start)
        return start, start + len(node.text)


def is_boolean(node: Node) -> bool:
    """Say whether a part is true or false by its looks."""
    compares = node.kind == "infix" and node.text in (*COMPARISONS, "=>", "<=>")
    negates = node.kind == "prefix" and node.text == "~"
    return compares or negates or node.kind in _BOOLEAN
