"""Where a module can be changed, and how: the operators of ``python``.

A place holds its change as a function on the tree that it was found in: it is made there,
and no node moves to another line.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Final, TypeGuard, cast, final

from model_tests.mutation.python_changes import TURNED, Changes, Members, is_place, negated

#: Names at the top of a module that are no machinery, and the tables, which have a room.
_LEFT_ALONE: Final = ("TRANSITIONS", "BREAKS", "RETURNS_ON", "LOGGER", "T", "P", "S", "A", "R", "C")
_DROPPED: Final = (
    ast.Expr,
    ast.Assign,
    ast.AugAssign,
    ast.Delete,
    ast.Raise,
    ast.Break,
    ast.Continue,
)


@final
@dataclass(frozen=True, slots=True)
class Place:
    """One change that can be made."""

    function: str
    line: int
    kind: str
    old: ast.AST
    new: ast.AST
    change: Callable[[], None]

    @property
    def before(self) -> str:
        """The text before."""
        return ast.unparse(self.old)

    @property
    def after(self) -> str:
        """The text after; "" if nothing is left."""
        return "" if isinstance(self.new, ast.Pass) else ast.unparse(self.new)


def places(tree: ast.Module, members: Members, names: Mapping[str, str]) -> Iterator[Place]:
    """Yield every change of a module, in the order of its text."""
    yield from _Walk(tree, members, names).all()


@final
class _Walk:
    """Goes through one module; knows what its names mean."""

    def __init__(self, tree: ast.Module, members: Members, names: Mapping[str, str]) -> None:
        self.tree = tree
        self.changes = Changes(tree, {name: members[each] for name, each in names.items()})
        self.function = ""
        self.truth = self.optional = False  # does the function answer yes or no, may it be None?
        self.bound: list[str] = []  # the names that it binds, as often as it does

    def all(self) -> Iterator[Place]:
        for node in self.tree.body:
            match node:
                case ast.FunctionDef():
                    yield from self._function(node, node.name)
                case ast.ClassDef():
                    yield from self._class(node)
                case ast.Assign([ast.Name(name)], value) if self._told(name):
                    self.function = name
                    yield from self._expression(node, "value", value)
                case ast.AnnAssign(ast.Name(name), hint, ast.expr() as value) if (
                    self._told(name) and ast.unparse(hint) != "TypeAlias"
                ):
                    self.function = name
                    yield from self._expression(node, "value", value)
                case _:
                    pass

    def _told(self, name: str) -> bool:
        return name not in (*_LEFT_ALONE, *self.changes.aliases) and not name.startswith("__")

    def _class(self, node: ast.ClassDef) -> Iterator[Place]:
        for each in node.body:
            if isinstance(each, ast.FunctionDef):
                yield from self._function(each, f"{node.name}.{each.name}")

    def _function(self, node: ast.FunctionDef, name: str) -> Iterator[Place]:
        before = self.function, self.truth, self.optional, self.bound
        returns = "" if node.returns is None else ast.unparse(node.returns)
        self.function, self.truth, self.optional = name, returns == "bool", "None" in returns
        self.bound = [each.id for each in ast.walk(node) if _is_bound(each)]
        for number, default in enumerate(node.args.defaults):
            yield from self._item(node.args.defaults, number, default)
        for number, keyed in enumerate(node.args.kw_defaults):
            if keyed is not None:
                yield from self._item(cast("list[ast.expr]", node.args.kw_defaults), number, keyed)
        yield from self._body(node.body)
        self.function, self.truth, self.optional, self.bound = before

    # ------------------------------------------------------------------ statements

    def _body(self, body: list[ast.stmt]) -> Iterator[Place]:
        for number, node in enumerate(body):
            if _only_says(node):
                continue
            if isinstance(node, _DROPPED) and not self._binds(node):
                yield self._put(body, number, node, "statement dropped", _pass(node))
            yield from self._statement(body, number, node)

    def _statement(self, body: list[ast.stmt], number: int, node: ast.stmt) -> Iterator[Place]:
        match node:
            case ast.FunctionDef():
                yield from self._function(node, f"{self.function}.{node.name}")
            case ast.Return(None):
                yield self._put(body, number, node, "statement dropped", _pass(node))
            case ast.Return(ast.expr() as value):
                yield from self._returned(node, value)
                yield from self._expression(node, "value", value)
            case ast.If(test, then, orelse) | ast.While(test, then, orelse):
                yield from self._condition(node, "test", test)
                yield from self._body(then)
                yield from self._body(orelse)
            case ast.For(_, iterated, then, orelse):
                yield from self._expression(node, "iter", iterated)
                yield from self._body(then)
                yield from self._body(orelse)
            case ast.With(items, then):
                for item in items:
                    yield from self._expression(item, "context_expr", item.context_expr)
                yield from self._body(then)
            case ast.Try(then, handlers, orelse, final_body):
                yield from self._body(then)
                for handler in handlers:
                    yield from self._body(handler.body)
                yield from self._body(orelse)
                yield from self._body(final_body)
            case ast.Match(subject, cases):
                yield from self._expression(node, "subject", subject)
                for case in cases:
                    yield from self._case(case)
            case ast.Assign(_, value) | ast.AugAssign(_, _, value) | ast.Expr(value):
                yield from self._expression(node, "value", value)
            case ast.AnnAssign(_, _, ast.expr() as value):
                yield from self._expression(node, "value", value)
            case _:
                pass

    def _case(self, case: ast.match_case) -> Iterator[Place]:
        for part in ast.walk(case.pattern):
            if isinstance(part, ast.MatchValue):
                yield from self._expression(part, "value", part.value)
        if case.guard is not None:
            yield from self._condition(case, "guard", case.guard)
        yield from self._body(case.body)

    def _returned(self, node: ast.Return, value: ast.expr) -> Iterator[Place]:
        if self.truth:
            if not isinstance(value, ast.Constant | ast.Compare | ast.UnaryOp):
                yield self._set(node, "value", value, "return value replaced", negated(value))
        elif self.optional and not isinstance(value, ast.Constant):
            yield self._set(node, "value", value, "return value replaced", ast.Constant(None))

    def _binds(self, node: ast.stmt) -> bool:
        """Say whether a name would not be there without a statement: that finds itself."""
        match node:
            case ast.Assign([ast.Name(name)]):
                return self.bound.count(name) == 1
            case ast.Assign([ast.Tuple(targets)]):
                return any(self.bound.count(ast.unparse(each)) == 1 for each in targets)
            case _:
                return False

    # ----------------------------------------------------------------- expressions

    def _condition(self, parent: ast.AST, field: str, test: ast.expr) -> Iterator[Place]:
        """Turn a condition round; what is compared in it is not turned once more."""
        if isinstance(test, ast.Constant):
            return
        yield self._set(parent, field, test, "condition negated", negated(test))
        match test:
            case ast.UnaryOp(ast.Not(), operand):
                yield from self._inside(test, "operand", operand)
            case _:
                yield from self._inside(parent, field, test)

    def _inside(self, parent: ast.AST, field: str, node: ast.expr) -> Iterator[Place]:
        """Change what is in a condition, which has been turned round as a whole."""
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in TURNED:
            yield from self._parts(node)
        else:
            yield from self._expression(parent, field, node)

    def _expression(self, parent: ast.AST, field: str, node: ast.expr) -> Iterator[Place]:
        for kind, new in self.changes.of(node):
            yield self._set(parent, field, node, kind, new)
        yield from self._parts(node)

    def _item(self, items: list[ast.expr], number: int, node: ast.expr) -> Iterator[Place]:
        for kind, new in self.changes.of(node):
            yield self._put(items, number, node, kind, new)
        yield from self._parts(node)

    def _parts(self, node: ast.expr) -> Iterator[Place]:
        """Go on to what an expression is made of."""
        match node:
            case ast.IfExp(test, body, orelse):
                yield from self._condition(node, "test", test)
                yield from self._expression(node, "body", body)
                yield from self._expression(node, "orelse", orelse)
            case ast.JoinedStr() | ast.Constant() | ast.Name():
                pass
            case ast.BinOp(left, ast.Sub()) if is_place(node):
                yield from self._expression(node, "left", left)
            case ast.Dict(keys, values) if all(isinstance(each, ast.Constant) for each in keys):
                for number, each in enumerate(values):
                    yield from self._item(values, number, each)
            case ast.Tuple(elements) if len(elements) > 1:  # a plain one has been left out
                for number, each in enumerate(elements):
                    if not isinstance(each, ast.Constant) and not self.changes.is_member(each):
                        yield from self._item(elements, number, each)
            case ast.GeneratorExp() | ast.ListComp() | ast.SetComp() | ast.DictComp():
                yield from self._comprehension(node)
            case ast.Attribute(ast.Name()):
                pass
            case _:
                for field, value in ast.iter_fields(node):
                    if isinstance(value, ast.expr):
                        yield from self._expression(node, field, value)
                    elif isinstance(value, list):
                        for number, each in enumerate(value):
                            if isinstance(each, ast.expr):
                                yield from self._item(value, number, each)
                            elif isinstance(each, ast.keyword) and each.arg != "strict":
                                yield from self._expression(each, "value", each.value)

    def _comprehension(
        self, node: ast.GeneratorExp | ast.ListComp | ast.SetComp | ast.DictComp
    ) -> Iterator[Place]:
        if isinstance(node, ast.DictComp):
            yield from self._expression(node, "key", node.key)
            yield from self._expression(node, "value", node.value)
        else:
            yield from self._expression(node, "elt", node.elt)
        for each in node.generators:
            yield from self._expression(each, "iter", each.iter)
            for number, test in enumerate(each.ifs):
                yield self._put(each.ifs, number, test, "condition negated", negated(test))
                yield from self._parts(test)

    # --------------------------------------------------------------------- changes

    def _set(self, parent: ast.AST, field: str, old: ast.expr, kind: str, new: ast.expr) -> Place:
        made = _at(new, old)
        return self._place(old, kind, made, lambda: setattr(parent, field, made))

    def _put(
        self,
        items: list[ast.stmt] | list[ast.expr],
        number: int,
        old: ast.AST,
        kind: str,
        new: ast.AST,
    ) -> Place:
        made = _at(new, old)
        there = cast("list[ast.AST]", items)
        return self._place(old, kind, made, lambda: there.__setitem__(number, made))

    def _place(self, old: ast.AST, kind: str, new: ast.AST, change: Callable[[], None]) -> Place:
        return Place(self.function, getattr(old, "lineno", 0), kind, old, new, change)


def _only_says(node: ast.stmt) -> bool:
    """Say whether a statement is only words, or the observer's."""
    match node:
        case ast.Expr(ast.Constant()):
            return True
        case ast.If(test):
            return "observer.log" in ast.unparse(test)
        case ast.Expr() | ast.Assign() | ast.AugAssign():
            text = ast.unparse(node)
            return "observer.log" in text or text.startswith(("LOGGER", "assert_never"))
        case _:
            return False


def _is_bound(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _at(new: ast.AST, old: ast.AST) -> ast.AST:
    made = deepcopy(new)
    for node in ast.walk(made):
        if not hasattr(node, "lineno"):
            ast.copy_location(node, old)
    return made


def _pass(node: ast.stmt) -> ast.stmt:
    return ast.copy_location(ast.Pass(), node)
