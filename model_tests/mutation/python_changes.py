"""What one expression of a module can be instead: the operators of ``python``."""

import ast
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias, final

#: The members of each enumeration, in order.
Members: TypeAlias = Mapping[str, tuple[str, ...]]
#: The kind of a change, and what is there then.
Change: TypeAlias = tuple[str, ast.expr]

_SHIFTED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
TURNED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
#: Functions whose arguments are of kinds too far apart to change places.
_APART: Final = ("replace", "replaced", "isinstance", "islice", "enumerate", "getattr")
_OTHER: Final = {"any": "all", "all": "any", "min": "max", "max": "min", "sorted": "list"}


@final
class Changes:
    """Knows what the names of one module mean, and what an expression can be instead."""

    def __init__(self, tree: ast.Module, members: Members) -> None:
        self.members = members
        self.aliases = dict(self._aliases(tree))

    def _aliases(self, tree: ast.Module) -> Iterator[tuple[str, tuple[str, str]]]:
        """Yield the names that stand for members: "_A, _B = State" or "_A = State.A"."""
        for node in tree.body:
            match node:
                case ast.Assign([ast.Tuple(targets)], ast.Name(enum)) if enum in self.members:
                    for target, member in zip(targets, self.members[enum], strict=False):
                        yield ast.unparse(target), (enum, member)
                case ast.Assign(
                    [ast.Name(alias)], ast.Attribute(ast.Name(enum), member)
                ) | ast.AnnAssign(ast.Name(alias), value=ast.Attribute(ast.Name(enum), member)) if (
                    member in self.members.get(enum, ())
                ):
                    yield alias, (enum, member)
                case _:
                    pass

    def of(self, node: ast.expr) -> Iterator[Change]:
        """Yield what an expression can be instead, as a whole."""
        match node:
            case ast.Constant():
                yield from _constant(node)
            case ast.Attribute() | ast.Name():
                yield from self._members(node)
            case ast.Compare(left, ops, rest):
                for number, op in enumerate(ops):
                    new = _SHIFTED.get(type(op)) or TURNED.get(type(op))
                    if new is not None:
                        kind = "comparison shifted" if type(op) in _SHIFTED else "comparison turned"
                        after = [*ops[:number], new(), *ops[number + 1 :]]
                        yield kind, ast.Compare(left, after, rest)
            case ast.BoolOp(op, values):
                swapped = ast.Or() if isinstance(op, ast.And) else ast.And()
                yield "and, or swapped", ast.BoolOp(swapped, values)
                for number in range(len(values)):
                    left_over = without(values, number)
                    one = left_over[0] if len(left_over) == 1 else ast.BoolOp(op, left_over)
                    yield "operand dropped", one
            case ast.UnaryOp(ast.Not(), operand):
                yield "condition negated", operand
            case ast.BinOp(left, ast.Add() | ast.Sub() as sign, right) if not is_place(node):
                other = ast.Sub() if isinstance(sign, ast.Add) else ast.Add()
                yield "sign changed", ast.BinOp(left, other, right)
            case ast.Tuple(elements, ast.Load()):
                for number in range(len(elements)):
                    yield "element dropped", ast.Tuple(without(elements, number), ast.Load())
            case ast.Call():
                yield from self._call(node)
            case _:
                pass

    def _members(self, node: ast.Attribute | ast.Name) -> Iterator[Change]:
        match node:
            case ast.Attribute(ast.Name(enum), member) if member in self.members.get(enum, ()):
                name = ast.Name(enum, ast.Load())
                other = ast.Attribute(name, self._next(enum, member), ast.Load())
                yield "member replaced", other
            case ast.Name(name) if name in self.aliases:
                enum, member = self.aliases[name]
                known = {each: alias for alias, each in self.aliases.items()}
                replaced = known.get((enum, self._next(enum, member)))
                if replaced is not None:
                    yield "member replaced", ast.Name(replaced, ast.Load())
            case _:
                pass

    def is_member(self, node: ast.expr) -> bool:
        """Say whether an expression is a member of an enumeration."""
        match node:
            case ast.Attribute(ast.Name(enum), member):
                return member in self.members.get(enum, ())
            case ast.Name(name):
                return name in self.aliases
            case _:
                return False

    def _next(self, enum: str, member: str) -> str:
        members = self.members[enum]
        return members[(members.index(member) + 1) % len(members)]

    def _call(self, node: ast.Call) -> Iterator[Change]:
        args, keywords = node.args, node.keywords
        plain = not any(isinstance(each, ast.Starred) for each in args[:2])
        if len(args) >= 2 and plain and self._alike(node.func, *args[:2]):
            swapped = [args[1], args[0], *args[2:]]
            yield "arguments swapped", ast.Call(node.func, swapped, keywords)
        for number, keyword in enumerate(keywords):
            if keyword.arg not in (None, "strict", "start"):
                rest = [*keywords[:number], *keywords[number + 1 :]]
                yield "argument dropped", ast.Call(node.func, args, rest)
        if isinstance(node.func, ast.Name) and node.func.id in _OTHER and len(args) >= 1:
            other = ast.Name(_OTHER[node.func.id], ast.Load())
            yield "function replaced", ast.Call(other, args, [])

    def _alike(self, function: ast.expr, one: ast.expr, other: ast.expr) -> bool:
        """Say whether two arguments may change places; if only one is plain, that finds itself."""
        if ast.unparse(function) in _APART or ast.dump(one) == ast.dump(other):
            return False
        plain = [isinstance(each, ast.Constant) or self.is_member(each) for each in (one, other)]
        return plain[0] == plain[1]


def _constant(node: ast.Constant) -> Iterator[Change]:
    value = node.value
    if isinstance(value, bool):
        yield "constant replaced", ast.Constant(not value)
    elif isinstance(value, int):
        yield "constant replaced", ast.Constant(value + 1)
    elif isinstance(value, str):
        yield "constant replaced", ast.Constant(f"{value}?")


def without(items: list[ast.expr], number: int) -> list[ast.expr]:
    """Return a list less one element."""
    return [*items[:number], *items[number + 1 :]]


def negated(test: ast.expr) -> ast.expr:
    """Return a condition turned round."""
    match test:
        case ast.UnaryOp(ast.Not(), operand):
            return operand
        case _:
            return ast.UnaryOp(ast.Not(), test)


def is_place(node: ast.BinOp) -> bool:
    """Say whether this is the place of a number that counts from one: "number - 1"."""
    return isinstance(node.op, ast.Sub) and ast.unparse(node.right) == "1"
