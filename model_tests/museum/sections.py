"""The steps of the library in its bytecode: nothing can come in between.

CPython looks for a signal to handle, a thread to switch to and, from 3.12 on, for
garbage to collect at few instructions only: where a function begins (RESUME), where a
loop goes back (JUMP_BACKWARD), after a call (CALL and its like), where a generator is
driven.  3.11 collects garbage where a container is made.  An import, a formatted
string, an attribute that is no slot may run code of anybody.  So what may stand in a
step is listed here, and all else is a trouble.

What no instruction shows: a store drops what was there.  The old values in steps are
None, empty containers of our own, numbers, members of enums, or are kept elsewhere.

``python -m model_tests.museum.sections FILE ...`` prints what it finds, as JSON: with
any interpreter from 3.11 on.
"""

import ast
import dis
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import CodeType
from typing import Final, final

#: Instructions that run no code but C code, and allocate nothing that is tracked.
HARMLESS: Final = frozenset({
    "NOP", "CACHE", "EXTENDED_ARG", "COPY", "SWAP", "POP_TOP",
    "LOAD_CONST", "LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_LOAD_FAST",
    "STORE_FAST", "STORE_FAST_STORE_FAST", "STORE_FAST_LOAD_FAST",
    "LOAD_DEREF",  # a look into a cell
    "JUMP_IF_FALSE_OR_POP", "JUMP_IF_TRUE_OR_POP",  # forward, as those below
    "LOAD_GLOBAL",  # a look-up of a string in a dict
    "IS_OP", "UNARY_NOT",
    "TO_BOOL",  # of True, False, None, a list, a deque, a tuple
    "COMPARE_OP",  # of two numbers
    "CONTAINS_OP",  # of a member of an enum in a tuple: by identity first
    "BINARY_SUBSCR", "STORE_SUBSCR", "DELETE_SUBSCR",  # of list, deque, and dict by C hash
    "BINARY_OP",  # numbers; list += tuple; deque += iterator, which makes no iterator
    "UNPACK_SEQUENCE",  # of an iterator that calls a function in C: nothing is handled there
    "RETURN_VALUE", "RETURN_CONST",
    "JUMP_FORWARD", "POP_JUMP_IF_TRUE", "POP_JUMP_IF_FALSE", "POP_JUMP_IF_NONE",
    "POP_JUMP_IF_NOT_NONE", "POP_JUMP_FORWARD_IF_TRUE", "POP_JUMP_FORWARD_IF_FALSE",
    "POP_JUMP_FORWARD_IF_NONE", "POP_JUMP_FORWARD_IF_NOT_NONE",
})  # fmt: skip
#: These too, for attributes that are slots of ours or globals of a module.
ATTRIBUTES: Final = frozenset({"LOAD_ATTR", "STORE_ATTR"})
#: Only where somebody records: that branch makes a tuple, and is for tests.
RECORDING: Final = frozenset({"BUILD_TUPLE"})
OF_THE_RECORDER: Final = "if observer.log is not None"
#: A lock is entered by one of these; between it and the step only its reply is dropped.
ENTERS: Final = ("BEFORE_WITH",)

#: How the locks are called where they are taken.
LOCKS: Final = ("self.lock", "self._lock", "pool.lock", "self.pool.lock", "pool_lock")

#: Lines that are steps without a lock.
LOCK_FREE: Final = (
    "if self._lock is None: self._lock = fresh",
    "due = fn; fn = None; due(self)",
)
#: What such a line may do more: its last instruction may begin a call.
LAST_OF: Final = {"due = fn; fn = None; due(self)": ("PUSH_NULL", "PRECALL", "CALL", "POP_TOP")}


@final
@dataclass(frozen=True, slots=True)
class Section:
    """One step, and what in it could be interrupted."""

    function: str
    line: int
    instructions: int
    troubles: tuple[str, ...]


def ours(expression: ast.expr) -> bool:
    """Say whether a with statement takes a lock of ours."""
    text = ast.unparse(expression)
    return text in LOCKS or text.endswith("_make_lock()")


def steps(tree: ast.Module, source: list[str]) -> Iterator[tuple[int, int, int]]:
    """Yield the line that takes the lock, or 0, and first and last line of each step."""
    for node in ast.walk(tree):
        if isinstance(node, ast.With) and any(ours(each.context_expr) for each in node.items):
            yield node.lineno, node.body[0].lineno, node.body[-1].end_lineno or 0
    for number, text in enumerate(source, 1):
        if text.partition("#")[0].strip() in LOCK_FREE:
            yield 0, number, number


def codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from codes(each)


def _own(code: CodeType) -> list[tuple[dis.Instruction, int]]:
    """Return the instructions of a function with their lines, 0 where there is none."""
    found = []
    for each in dis.get_instructions(code):
        at = each.positions.lineno if each.positions else None
        found.append((each, at or 0))
    return found


def _trouble(each: dis.Instruction, text: str, slots: frozenset[str]) -> str:
    if each.opname in HARMLESS:
        return ""
    if each.opname in ATTRIBUTES and each.argval in slots:
        return ""
    if each.opname in RECORDING and text.startswith(OF_THE_RECORDER):
        return ""
    if each.opname in LAST_OF.get(text, ()):
        return ""
    return f"{each.opname} {each.argrepr} in: {text}"


def sections(text: str, slots: frozenset[str]) -> Iterator[Section]:
    """Yield each step in the source of a module."""
    source = text.splitlines()
    wanted = sorted(steps(ast.parse(text), source))
    for code in codes(compile(text, "a module", "exec")):
        own = _own(code)
        if code.co_name == "<module>":
            continue
        for takes, first, last in wanted:
            inside = [(each, at) for each, at in own if first <= at <= last]
            if not inside:
                continue
            troubles = [
                _trouble(each, source[at - 1].partition("#")[0].strip(), slots)
                for each, at in inside
            ]
            if takes:
                troubles.append(_entry(own, takes, first, last))
            yield Section(code.co_name, first, len(inside), tuple(filter(None, troubles)))


def _entry(own: list[tuple[dis.Instruction, int]], takes: int, first: int, last: int) -> str:
    """Return what is wrong between taking the lock and the step."""
    enters = [
        number
        for number, (each, at) in enumerate(own)
        if each.opname in ENTERS and at == takes and first <= own[number + 2][1] <= last
    ]
    if len(enters) != 1:
        return f"line {takes}: {len(enters)} instructions take the lock"
    (number,) = enters
    reply = own[number + 1][0].opname
    return "" if reply == "POP_TOP" else f"line {takes}: {reply} after the lock is taken"


def slots_of(*paths: Path) -> frozenset[str]:
    """Return the slots of all classes, the fields of the spec's cells, observer's log."""
    found = {"log"}
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Assign([ast.Name("__slots__")], ast.Tuple(names)):
                    found |= {str(each.value) for each in names if isinstance(each, ast.Constant)}
                case ast.ClassDef(name="Step"):
                    found |= {
                        each.target.id
                        for each in node.body
                        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
                    }
                case _:
                    pass
    return frozenset(found)


def read(room: Path, spec: Path) -> dict[str, list[Section]]:
    """Return the steps of every module of the library that has one."""
    modules = sorted(room.rglob("*.py"))
    slots = slots_of(*modules, *spec.glob("*.py"))
    found = {
        str(each.relative_to(room)): list(sections(each.read_text(), slots)) for each in modules
    }
    return {name: each for name, each in found.items() if each}


if __name__ == "__main__":
    known = read(Path(sys.argv[1]), Path(sys.argv[2]))
    print(json.dumps({name: [asdict(each) for each in all_] for name, all_ in known.items()}))
