"""The specification means what it says: contracts, their twins, laws of the tables.

What must be confirmed is read from the docstrings of the specification, line by
line; CrossHair's exit code is 0 for "Not confirmed" too, so each line must be
found among what it prints.  Contracts of the twins (contract_twins) must be the
same, and be refuted, each line.  Then both are done once more without CrossHair:
finite domains are enumerated.  What CrossHair cannot confirm has laws, and the process
pool's claims are inductive (contract_rows); ``--full`` takes minutes.
"""

import ast
import inspect
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path
from types import ModuleType
from typing import Final, TypeAlias, final, get_type_hints

import foregone_spec
from foregone_spec import future, lifecycle, model, process_death, waiting, work_item
from model_tests import (
    contract_integers,
    contract_integers_twins,
    contract_rows,
    contract_twins,
    spec_laws,
)
from model_tests.chain.verdict import Row, report
from model_tests.contract_cases import domain
from model_tests.contract_crosshair import printed

#: The modules in which every public function has a contract.
MODULES: Final = (future, lifecycle, waiting, work_item, process_death, model)
#: Those that have none, and why.
WITHOUT: Final = {"model.tla_text": "its type is recursive, which CrossHair cannot make up"}
#: For a type variable CrossHair makes up classes whose == says anything; such a
#: contract is confirmed for integers, through the function named here.
AT_INTEGERS: Final = {"model.without": "model_tests.chain.contracts.without_integers"}
SPEC: Final = Path(foregone_spec.__file__).parent
_LINE: Final = re.compile(r"^(?P<file>.+?):(?P<line>\d+): (?P<kind>\w+): (?P<text>.*)$")


@final
@dataclass(frozen=True, slots=True)
class Contract:
    """The contract of one function, as its docstring has it."""

    module: str
    function: str
    path: Path
    before: tuple[str, ...]
    after: Mapping[int, str]  # by line of the file

    @property
    def name(self) -> str:
        return f"{self.module}.{self.function}"

    @property
    def text(self) -> tuple[str, ...]:
        return (*self.before, *self.after.values())


def without_integers(values: tuple[int, ...], value: int) -> tuple[int, ...]:
    """Return what model.without returns.

    pre: len(values) <= 3
    post: value not in __return__
    post: len(__return__) == len(values) - values.count(value)
    """
    return model.without(values, value)


def contracts(path: Path, name: str) -> dict[str, Contract]:
    """Return the contracts of the functions in the file ``path``, by name."""
    found = {}
    lines = path.read_text().splitlines()
    for node in ast.parse("\n".join(lines)).body:
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node):
            first, last = node.body[0].lineno, node.body[0].end_lineno or 0
            texts = {number: lines[number - 1].strip() for number in range(first, last + 1)}
            before = tuple(text for text in texts.values() if text.startswith("pre:"))
            after = {number: text for number, text in texts.items() if text.startswith("post:")}
            if after:
                found[f"{name}.{node.name}"] = Contract(name, node.name, path, before, after)
    return found


def specified() -> dict[str, Contract]:
    """Return every contract in the specification."""
    found: dict[str, Contract] = {}
    for path in sorted(SPEC.glob("*.py")):
        found.update(contracts(path, path.stem))
    return found


def twins() -> dict[str, Contract]:
    """Return the contracts of the twins, under the names of the originals."""
    found = contracts(Path(contract_twins.__file__), "contract_twins").values()
    return {_original(each.function): each for each in found}


def _original(twin: str) -> str:
    stems = [path.stem for path in SPEC.glob("*.py") if twin.startswith(f"{path.stem}_")]
    stem = max(stems, key=len, default="")
    return f"{stem}.{twin[len(stem) + 1 :]}"


def instances() -> dict[str, Contract]:
    """Return the contracts of the functions in AT_INTEGERS, under the names of the originals."""
    found = contracts(Path(__file__), "contracts")
    return {name: found[".".join(at.split(".")[-2:])] for name, at in AT_INTEGERS.items()}


def gaps(wanted: Mapping[str, Contract], seeded: Mapping[str, Contract]) -> list[str]:
    """Return what is missing: a contract, its twin, or that the two are the same."""
    public = [
        f"{module.__name__.split('.')[-1]}.{name}"
        for module in MODULES
        for name, each in inspect.getmembers(module, inspect.isfunction)
        if each.__module__ == module.__name__ and not name.startswith("_")
    ]
    bare = [f"{name}: no contract" for name in public if name not in {*wanted, *WITHOUT}]
    lone = [f"{name}: no twin" for name in wanted if name not in seeded]
    extra = [f"{name}: a twin without its original" for name in seeded if name not in wanted]
    unlike = [
        f"{name}: {other.name} has another contract"
        for name, each in wanted.items()
        for other in (seeded.get(name), instances().get(name))
        if other and other.text != each.text
    ]
    written = sum(path.read_text().count("    post: ") for path in SPEC.glob("*.py"))
    read = sum(len(each.after) for each in wanted.values())
    unread = [f"{written} posts are written, {read} belong to functions"] * (written != read)
    return [*bare, *lone, *extra, *unlike, *unread]


# ------------------------------------------------------------------ CrossHair


def missing(wanted: Iterable[Contract], text: str, verdict: str) -> list[str]:
    """Return the post-conditions for which ``text`` does not say ``verdict``, and only that."""
    said: dict[tuple[str, int], list[str]] = {}
    stray = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match:
            place = Path(match["file"]).name, int(match["line"])
            said.setdefault(place, []).append(f"{match['kind']}: {match['text']}")
        elif line.strip():
            stray.append(line)
    troubles = []
    for contract in wanted:
        for number, post in contract.after.items():
            found = said.pop((contract.path.name, number), [])
            if len(found) != 1 or not found[0].startswith(verdict):
                answer = " / ".join(found) or "nothing is said"
                troubles.append(f"{contract.name} line {number}: {post}: {answer}")
    troubles += [f"unexpected: {file}:{line}: {each}" for (file, line), each in said.items()]
    return troubles + stray


CONFIRMED: Final = "info: Confirmed over all paths."
REFUTED: Final = "error: false when calling"


#: A claim, its bound, its contracts, what CrossHair is to look at, and what it is to say.
Job: TypeAlias = tuple[str, str, list[Contract], list[str], str]


def _crosshair_rows(
    wanted: Mapping[str, Contract], seeded: Mapping[str, Contract]
) -> Iterator[Row]:
    jobs: list[Job] = []
    for module in dict.fromkeys(each.module for each in wanted.values()):
        mine = [each for each in wanted.values() if each.module == module]
        direct = [each for each in mine if each.name not in AT_INTEGERS]
        names = [f"foregone_spec.{each.name}" for each in direct]
        jobs.append((f"contracts of {module}", "all paths", direct, names, CONFIRMED))
    mine = list(instances().values())
    names = list(AT_INTEGERS.values())
    jobs.append(
        (f"contracts of {', '.join(AT_INTEGERS)}", "all paths, integers", mine, names, CONFIRMED)
    )
    seeds = list(seeded.values())
    claim = "each twin is refuted by its contract"
    jobs.append((claim, "one counterexample each", seeds, [contract_twins.__name__], REFUTED))
    yield from _answered(jobs)


def integers() -> Iterator[Row]:
    """Yield a row for the steps of the process pool at any integers, and one for their twins."""
    right, wrong = contract_integers, contract_integers_twins
    found = [contracts(Path(str(each.__file__)), each.__name__) for each in (right, wrong)]
    kept, seeds = (list(each.values()) for each in found)
    claim = "steps of the pool keep its claims at any integers"
    confirm = (claim, "all paths, any integers", kept, [right.__name__], CONFIRMED)
    claim = "each of those steps with a defect is refuted"
    refute = (claim, "one counterexample each", seeds, [wrong.__name__], REFUTED)
    yield from _answered([confirm, refute])


def _answered(jobs: Sequence[Job]) -> Iterator[Row]:
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(printed, [names for _, _, _, names, _ in jobs])
        for (claim, bound, mine, _, verdict), (text, seconds) in zip(jobs, answers, strict=True):
            troubles = missing(mine, text, verdict)
            posts = sum(len(each.after) for each in mine)
            word = "confirmed" if verdict == CONFIRMED else "refuted"
            ok = bool(posts) and not troubles
            details = "\n".join(troubles) or "there is none"
            count = f"{max(0, posts - len(troubles))} {word}"
            yield Row(claim, "crosshair", bound, count, seconds, ok, details)


# ----------------------------------------------------------------- exhaustive


def broken(
    contract: Contract, function: Callable[..., object], names: Mapping[str, object]
) -> tuple[int, dict[int, str]]:
    """Return the number of cases, and for each line that fails one of them."""
    hints = get_type_hints(function)
    hints.pop("return")
    before = [each.removeprefix("pre:").strip() for each in contract.before]
    failed: dict[int, str] = {}
    cases = 0
    for values in product(*map(domain, hints.values())):
        scope = {**names, **dict(zip(hints, values, strict=True)), "implies": _implies}
        if not all(eval(each, scope) for each in before):
            continue
        cases += 1
        scope["__return__"] = function(*values)
        for number, text in contract.after.items():
            if number not in failed and not eval(text.removeprefix("post:").strip(), scope):
                failed[number] = f"{contract.name}{values}: {text}"
    return cases, failed


def _implies(if_this: object, then_that: object) -> bool:
    return bool(then_that) if if_this else True


def _broken_in(module: ModuleType, contract: Contract) -> tuple[int, dict[int, str]]:
    return broken(contract, getattr(module, contract.function), vars(module))


def enumerated(
    wanted: Mapping[str, Contract], modules: Sequence[ModuleType]
) -> tuple[int, list[str]]:
    """Return the number of cases of all contracts, and those in which one fails."""
    by_name = {module.__name__.split(".")[-1]: module for module in modules}
    total, troubles = 0, []
    for contract in wanted.values():
        if contract.module not in by_name:
            troubles.append(f"{contract.name}: its module is not among those that are enumerated")
            continue
        cases, failed = _broken_in(by_name[contract.module], contract)
        total += cases
        troubles += failed.values()
        if not cases:
            troubles.append(f"{contract.name}: no case meets its pre-conditions")
    return total, troubles


def _exhaustive_rows(
    wanted: Mapping[str, Contract], seeded: Mapping[str, Contract]
) -> Iterator[Row]:
    begin = time.monotonic()
    cases, troubles = enumerated(wanted, MODULES)
    yield Row(
        "contracts, case by case",
        "exhaustive",
        "tuples to 3, integers to 3",
        f"{cases} cases",
        time.monotonic() - begin,
        not troubles,
        "\n".join(troubles),
    )
    begin = time.monotonic()
    alive = [
        f"{each.name} line {number}: {each.after[number]}: no case refutes it"
        for each in seeded.values()
        for number in each.after.keys() - _broken_in(contract_twins, each)[1].keys()
    ]
    posts = sum(len(each.after) for each in seeded.values())
    yield Row(
        "each twin, case by case",
        "exhaustive",
        "tuples to 3, integers to 3",
        f"{posts - len(alive)} refuted",
        time.monotonic() - begin,
        not alive,
        "\n".join(alive),
    )
    for claim, law in spec_laws.LAWS.items():
        begin = time.monotonic()
        told = list(law())
        failed = [case for case, holds in told if not holds]
        yield Row(
            claim,
            "exhaustive",
            "every cell",
            f"{len(told)} cases",
            time.monotonic() - begin,
            bool(told) and not failed,
            "\n".join(failed),
        )


def rows() -> Iterator[Row]:
    """Yield one row for each group of contracts and each law."""
    begin = time.monotonic()
    wanted, seeded = specified(), twins()
    troubles = gaps(wanted, seeded)
    yield Row(
        "each function has a contract, each contract a twin",
        "ast",
        "whole specification",
        f"{len(wanted)} functions",
        time.monotonic() - begin,
        not troubles,
        "\n".join(troubles),
    )
    yield from _crosshair_rows(wanted, seeded)
    yield from _exhaustive_rows(wanted, seeded)
    yield from contract_rows.rows(tuple(wanted))


if __name__ == "__main__":
    rest = chain(integers(), contract_rows.full("--write" in sys.argv))
    sys.exit(report(chain(rows(), rest if "--full" in sys.argv else ())))
