r"""Read enough of TLA+ to find the parts of a definition, each with its place in the text.

A definition becomes a tree.  What is kept of an expression is what a mutant needs: lists
of conjuncts and disjuncts (by their columns, as TLA+ has it), LET, IF, CASE, quantifiers,
infix operators with their precedence, primes, applications.  What is between brackets is
parsed too, part by part.  What this does not understand is an error, never left out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|\\\*[^\n]*|\(\*.*?\*\))
      | (?P<string>"[^"]*")
      | (?P<number>\d+)
      | (?P<fair>(?:WF|SF)_\w+)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<sign>\|->|<=>|==|=>|->|~>|<<|>>_\w+|>>|<=|>=|<>|\.\.|/\\|\\/|\\[a-zA-Z]+|\\
        |\[\]|\]_\w+|\]_|:>|@@|[=\#<>+\-*%~'()\[\]{},.:!@|])""",
    re.VERBOSE | re.DOTALL,
)
_HEAD: Final = re.compile(r"^(?P<name>\w+)(?:\((?P<params>[^)]*)\))? ==", re.MULTILINE)

_INFIX: Final = {
    "=>": 1, "<=>": 2, "~>": 2, "\\/": 3, "/\\": 4,
    "=": 6, "#": 6, "<": 6, ">": 6, "<=": 6, ">=": 6,
    "\\in": 6, "\\notin": 6, "\\subseteq": 6,
    "@@": 7, ":>": 8, "\\": 9, "\\union": 9, "\\intersect": 9, "..": 10,
    "+": 11, "-": 12, "%": 13, "*": 14, "\\o": 14, "\\X": 14,
}  # fmt: skip
_PREFIX: Final = {
    "~": 5, "[]": 5, "<>": 5, "-": 13,
    "UNCHANGED": 5, "ENABLED": 5, "DOMAIN": 10, "SUBSET": 10, "UNION": 10,
}  # fmt: skip
_CLOSING: Final = {"(": ")", "<<": ">>", "{": "}", "[": "]"}
_BETWEEN: Final = (",", ":", "|->", "->", "EXCEPT", "!", "=")
_QUANTIFIERS: Final = ("\\E", "\\A", "CHOOSE")
COMPARISONS: Final = frozenset({"=", "#", "<", ">", "<=", ">=", "\\in", "\\notin", "\\subseteq"})


class NotUnderstood(ValueError):
    """The text is TLA+ of a kind that is not parsed here."""


@final
@dataclass(frozen=True, slots=True)
class Token:
    """One token and its place: from start to end, in a column."""

    kind: str
    text: str
    start: int
    end: int
    column: int


@final
@dataclass(frozen=True, slots=True)
class Node:
    """A part of a definition.

    ``kind`` is a word (and, or, if, case, let, quantifier, infix, prefix, prime, apply,
    bracket, name, string, number), ``text`` the operator or the name.
    """

    kind: str
    text: str
    start: int
    end: int
    parts: tuple["Node", ...] = ()

    def __iter__(self) -> Iterator["Node"]:
        """Yield this node and all below it."""
        yield self
        for part in self.parts:
            yield from part


@final
@dataclass(frozen=True, slots=True)
class Definition:
    """An operator that a module defines at its top level."""

    name: str
    params: tuple[str, ...]
    line: int
    start: int  # of its name, in the text
    body: Node


def definitions(text: str) -> tuple[Definition, ...]:
    """Return the definitions of a module, in order."""
    heads = list(_HEAD.finditer(text))
    found: list[Definition] = []
    for head in heads:
        after = re.compile(r"^(?![ \n])", re.MULTILINE).search(text, head.end())
        end = len(text) if after is None else after.start()
        params = tuple(re.findall(r"\w+", re.sub(r"\([^)]*\)", "", head["params"] or "")))
        parser = _Parser(tuple(tokens(text, head.end(), end)))
        line = text.count("\n", 0, head.start()) + 1
        try:
            found.append(Definition(head["name"], params, line, head.start(), parser.whole()))
        except NotUnderstood as error:
            raise NotUnderstood(f"{head['name']}, line {line}: {error}") from None
    return tuple(found)


def tokens(text: str, start: int, end: int) -> Iterator[Token]:
    """Yield the tokens of ``text`` from ``start`` to ``end``."""
    at = start
    while at < end:
        found = _TOKEN.match(text, at, end)
        if found is None:
            raise NotUnderstood(f"what is {text[at : at + 20]!r}?")
        if found.lastgroup != "space":
            column = at - (text.rfind("\n", 0, at) + 1)
            yield Token(str(found.lastgroup), found[0], at, found.end(), column)
        at = found.end()


@final
class _Parser:
    """A recursive descent; a token at or left of the current bullet ends an expression."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens
        self._at = 0
        self._columns = [-1]

    def whole(self) -> Node:
        """Parse all there is."""
        node = self._expression()
        if self._at < len(self._tokens):
            token = self._tokens[self._at]
            raise NotUnderstood(f"{token.text!r} is left over in column {token.column}")
        return node

    # ------------------------------------------------------------------- tokens

    def _peek(self) -> str:
        if self._at == len(self._tokens):
            return ""
        token = self._tokens[self._at]
        return token.text if token.column > self._columns[-1] else ""

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _expect(self, text: str) -> Token:
        if self._peek() != text:
            raise NotUnderstood(f"{text!r} is expected, there is {self._peek()!r}")
        return self._next()

    def _last(self) -> int:
        return self._tokens[self._at - 1].end

    # -------------------------------------------------------------- expressions

    def _expression(self, above: int = 0) -> Node:
        node = self._prefixed()
        while (rank := _INFIX.get(self._peek(), 0)) > above:
            sign = self._next().text
            right = self._expression(rank)
            if sign in ("/\\", "\\/"):
                kind = "and" if sign == "/\\" else "or"
                same = node.kind == kind and node.text == "infix"
                parts = (*node.parts, right) if same else (node, right)
                node = Node(kind, "infix", node.start, right.end, parts)
            else:
                node = Node("infix", sign, node.start, right.end, (node, right))
        return node

    def _prefixed(self) -> Node:
        text = self._peek()
        if not text:
            raise NotUnderstood("an expression is expected")
        if text in ("/\\", "\\/"):
            return self._bullets(text)
        match text:
            case "LET":
                return self._let()
            case "IF":
                return self._if()
            case "CASE":
                return self._case()
            case "INSTANCE":
                return self._instance()
        if text in _QUANTIFIERS:
            return self._quantifier()
        if text in _PREFIX:
            start = self._next().start
            part = self._expression(_PREFIX[text])
            return Node("prefix", text, start, part.end, (part,))
        return self._applied()

    def _bullets(self, sign: str) -> Node:
        first = self._tokens[self._at]
        parts: list[Node] = []
        while self._peek() == sign and self._tokens[self._at].column == first.column:
            self._next()
            self._columns.append(first.column)
            parts.append(self._expression())
            self._columns.pop()
        kind = "and" if sign == "/\\" else "or"
        return Node(kind, "bullets", first.start, self._last(), tuple(parts))

    def _let(self) -> Node:
        start = self._expect("LET").start
        named: list[Node] = []
        while self._peek() != "IN":
            name = self._next()
            if self._peek() == "(":
                while self._next().text != ")":
                    pass
            self._expect("==")
            body = self._expression()
            named.append(Node("definition", name.text, name.start, body.end, (body,)))
        self._expect("IN")
        body = self._expression()
        return Node("let", "", start, body.end, (*named, body))

    def _if(self) -> Node:
        start = self._expect("IF").start
        condition = self._expression()
        self._expect("THEN")
        then = self._expression()
        self._expect("ELSE")
        otherwise = self._expression()
        return Node("if", "", start, otherwise.end, (condition, then, otherwise))

    def _case(self) -> Node:
        start = self._expect("CASE").start
        arms: list[Node] = []
        while True:
            if self._peek() == "OTHER":
                token = self._next()
                condition = Node("name", "OTHER", token.start, token.end)
            else:
                condition = self._expression()
            self._expect("->")
            outcome = self._expression()
            arms.append(Node("arm", "", condition.start, outcome.end, (condition, outcome)))
            if self._peek() != "[]":
                return Node("case", "", start, outcome.end, tuple(arms))
            self._next()

    def _instance(self) -> Node:
        """Pass over an instance, which ends where its definition does."""
        start = self._next().start
        self._at = len(self._tokens)
        return Node("instance", "", start, self._last())

    def _quantifier(self) -> Node:
        sign = self._next()
        bound: list[Node] = []
        while self._peek() != ":":
            if self._peek() == ",":
                self._next()
            else:
                bound.append(self._expression())
        self._expect(":")
        body = self._expression()
        return Node("quantifier", sign.text, sign.start, body.end, (*bound, body))

    # ------------------------------------------------------------- atoms and brackets

    def _applied(self) -> Node:
        node = self._atom()
        while True:
            text = self._peek()
            if text == "'":
                node = Node("prime", "", node.start, self._next().end, (node,))
            elif text in ("[", "(") and node.kind in ("name", "apply", "prime", "bracket"):
                inside = self._bracket()
                node = Node("apply", node.text, node.start, inside.end, (node, inside))
            elif text in (".", "!"):
                self._next()
                name = self._next()
                whole = f"{node.text}{text}{name.text}"
                node = Node("name", whole, node.start, name.end, (node,))
            else:
                return node

    def _atom(self) -> Node:
        text = self._peek()
        if text in _CLOSING:
            return self._bracket()
        token = self._next()
        if token.kind in ("string", "number"):
            return Node(token.kind, token.text, token.start, token.end)
        if token.kind in ("word", "fair") or text == "@":
            return Node("name", token.text, token.start, token.end)
        raise NotUnderstood(f"{text!r} begins no expression")

    def _bracket(self) -> Node:
        opening = self._next()
        closing = _CLOSING[opening.text]
        parts: list[Node] = []
        self._columns.append(-1)
        while not (self._peek() == closing or self._peek().startswith(f"{closing}_")):
            if self._peek() in _BETWEEN:
                self._next()
            else:
                parts.append(self._expression())
        self._columns.pop()
        end = self._next().end
        return Node("bracket", opening.text, opening.start, end, tuple(parts))
