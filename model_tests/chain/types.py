"""Types as rows: mypy, pyright, and no way around them in what is public."""

import ast
import json
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Final, cast

from model_tests.chain.command import (
    PUBLIC,
    ROOMS,
    ROOT,
    Outcome,
    lines,
    python_files,
    python_m,
)
from model_tests.chain.verdict import Row, report

TYPE_TESTS: Final = "model_tests/type_tests"
WAIVER: Final = re.compile(r"#\s*(type:\s*ignore|pyright:|mypy:)")
REASON: Final = re.compile(r"#\s*(?:type:\s*ignore|pyright:|mypy:)[^#]*#\s*\S+")

#: What pyright reports, as far as it is read here.
Json = dict[str, object]


def rows() -> Iterator[Row]:
    """Yield what both type checkers say, and what was kept from them."""
    yield _mypy()
    yield _pyright("the shipped rooms are strictly typed", *PUBLIC)
    yield _pyright("what users write infers as promised", TYPE_TESTS)
    for package in ("foregone_spec", "foregone"):
        yield _complete(package)
    yield _no_waivers()
    yield _waivers_have_reasons()
    yield _no_explicit_any()


def _mypy() -> Row:
    rooms = [room for room in ROOMS if python_files(room)]
    done = python_m("mypy", "--strict", *rooms)
    found = re.search(r"no issues found in (\d+) source files?", done.out)
    return Row(
        claim="every room is strictly typed",
        engine="mypy",
        bound=", ".join(rooms),
        count=f"{found[1] if found else 0} files",
        seconds=done.seconds,
        ok=done.code == 0 and found is not None,
        details=done.tail(),
    )


def _json(done: Outcome) -> Json:
    try:
        return cast("Json", json.loads(done.out))
    except ValueError:
        return {}


def _pyright(claim: str, *paths: str) -> Row:
    done = python_m("pyright", "--outputjson", *paths)
    said = _json(done)
    summary = cast("dict[str, int]", said.get("summary", {}))
    files = summary.get("filesAnalyzed", 0)
    wrong = [_diagnostic(each) for each in cast("list[Json]", said.get("generalDiagnostics", []))]
    return Row(
        claim=claim,
        engine="pyright",
        bound=f"strict: {', '.join(paths)}",
        count=f"{files} files",
        seconds=done.seconds,
        ok=done.code == 0 and files > 0 and not wrong,
        details=lines(wrong[:60]) if said else done.tail(),
    )


def _diagnostic(each: Json) -> str:
    path = Path(str(each.get("file")))
    where = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    start = cast("dict[str, dict[str, int]]", each.get("range", {})).get("start", {})
    return f"{where}:{start.get('line', -1) + 1}: {each.get('message')} ({each.get('rule')})"


def _complete(package: str) -> Row:
    done = python_m("pyright", "--outputjson", "--verifytypes", package, "--ignoreexternal")
    said = _json(done)
    completeness = cast("Json", said.get("typeCompleteness", {}))
    counts = cast("dict[str, int]", completeness.get("exportedSymbolCounts", {}))
    known = counts.get("withKnownType", 0)
    unknown = counts.get("withAmbiguousType", 0) + counts.get("withUnknownType", 0)
    wrong = [
        f"{symbol.get('name')}: {diagnostic.get('message')}"
        for symbol in cast("list[Json]", completeness.get("symbols", []))
        if symbol.get("isExported") and not symbol.get("isTypeKnown")
        for diagnostic in cast("list[Json]", symbol.get("diagnostics", []))
    ]
    return Row(
        claim=f"{package} exports nothing of unknown type",
        engine="pyright",
        bound="--verifytypes",
        count=f"{known} symbols",
        seconds=done.seconds,
        ok=done.code == 0 and known > 0 and unknown == 0,
        details=lines(wrong[:60]) or done.tail(),
    )


def _comments(path: Path) -> Iterator[tuple[int, str]]:
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def _waived(*rooms: str) -> list[tuple[str, str]]:
    return [
        (f"{path.relative_to(ROOT)}:{line}", comment)
        for path in python_files(*rooms)
        for line, comment in _comments(path)
        if WAIVER.search(comment)
    ]


def _no_waivers() -> Row:
    began = perf_counter()
    files = len(python_files(*PUBLIC))
    wrong = [f"{where}: {comment}" for where, comment in _waived(*PUBLIC)]
    return Row(
        claim="no type is ignored in the shipped rooms",
        engine="tokenize",
        bound=", ".join(PUBLIC),
        count=f"{files} files",
        seconds=perf_counter() - began,
        ok=files > 0 and not wrong,
        details=lines(wrong),
    )


def _waivers_have_reasons() -> Row:
    began = perf_counter()
    rooms = [room for room in ROOMS if room not in PUBLIC]
    waived = _waived(*rooms)
    wrong = [f"{where}: {comment}" for where, comment in waived if not REASON.search(comment)]
    files = len(python_files(*rooms))
    return Row(
        claim="each type ignored elsewhere has its reason",
        engine="tokenize",
        bound=", ".join(rooms),
        count=f"{files} files",
        seconds=perf_counter() - began,
        ok=not wrong,
        details=f"{lines(wrong)}\nwrite: # type: ignore[code]  # the reason",
        note=f"       {len(waived)} waivers" if waived else "",
    )


def _annotations(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        match node:
            case ast.AnnAssign(target=ast.Name(id=name)) if name.startswith("_"):
                pass  # a private field: no signature shows it
            case ast.arg(annotation=ast.expr() as found) | ast.AnnAssign(annotation=found):
                yield found
            case ast.FunctionDef(returns=ast.expr() as found):
                yield found
            case ast.AsyncFunctionDef(returns=ast.expr() as found):
                yield found
            case _:
                pass


def _says_any(annotation: ast.expr) -> bool:
    for node in ast.walk(annotation):
        match node:
            case ast.Name(id="Any") | ast.Attribute(attr="Any"):
                return True
            case ast.Constant(value=str() as quoted) if re.search(r"\bAny\b", quoted):
                return True
            case _:
                pass
    return False


def _no_explicit_any() -> Row:
    began = perf_counter()
    wrong: list[str] = []
    seen = 0
    for path in python_files(*PUBLIC):
        for annotation in _annotations(ast.parse(path.read_text())):
            seen += 1
            if _says_any(annotation):
                where = f"{path.relative_to(ROOT)}:{annotation.lineno}"
                wrong.append(f"{where}: {ast.unparse(annotation)}")
    return Row(
        claim="no public annotation in the shipped rooms says Any",
        engine="ast",
        bound=", ".join(PUBLIC),
        count=f"{seen} annotations",
        seconds=perf_counter() - began,
        ok=seen > 0 and not wrong,
        details=lines(wrong),
    )


if __name__ == "__main__":
    sys.exit(report(rows()))
