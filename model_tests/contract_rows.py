"""Rows of chain/contracts.py beyond the contracts that CrossHair confirms each time.

``rows`` is for every run; ``full`` is what takes minutes:

    python -m model_tests.chain.contracts --full [--write]
"""

import inspect
import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Final

import foregone_spec
from model_tests import contract_induction_rows as induction_rows
from model_tests import contract_laws, contract_wrong
from model_tests.chain.verdict import Row
from model_tests.contract_induction import known_states

#: What has no contract and no law, and why.
WITHOUT: Final = {
    "__main__.main": "it reads arguments and prints: test_spec_main runs it",
    "counterexample.judged": "it asks follow, which has a law: test_spec_counterexample has runs",
    "counterexample.of_run": "test_spec_counterexample: what is written is read",
    "counterexample.of_walk": "test_spec_stepping saves what goto finds, and reads it",
    "counterexample.read": "it reads a file: test_spec_counterexample has those that are none",
    "invariants.mapping": "it only names the predicates, each of which has a law",
    "invariants.thread_pool": "it only names the predicates, each of which has a law",
    "invariants.waiting": "it only names the predicates, each of which has a law",
    "options.fields_of": "it reads arguments: test_spec_main runs it",
    "options.json_option": "it only names an option: test_spec_main runs it",
    "options.model_options": "it only names the options: test_spec_main runs it",
    "page.of_trace": "it puts together what is read and judged: test_spec_page and a browser",
    "page.page": "it puts texts together: test_spec_page reads them, and a browser does",
    "pixels.png": "another library draws: test_spec_main looks at what it drew",
    "page.scenes": "it only names the scenes: test_spec_page explores each",
    "process_pool_invariants.process_pool": "it only names the predicates, each of which has a law",
    "told.checked": "it puts a verdict into words: test_spec_counterexample, test_spec_main",
    "walk.searchable": "it says when there is too much: test_spec_stepping has what is",
    "told.explained": "it puts a run into words: test_spec_counterexample, test_spec_main",
}


def public() -> list[str]:
    """Return every public function of the specification, as MODULE.FUNCTION."""
    folder = Path(foregone_spec.__file__).parent
    modules = [import_module(f"foregone_spec.{path.stem}") for path in sorted(folder.glob("*.py"))]
    return [
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for module in modules
        for name, each in inspect.getmembers(module, inspect.isfunction)
        if each.__module__ == module.__name__ and not name.startswith("_")
    ]


def covered() -> set[str]:
    """Return the functions of which a law or the induction says something."""
    named = {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for group in (contract_wrong.STEPS, *contract_wrong.WRONG.values())
        for module, name, _ in group
    }
    read = {
        f"process_pool_state.{name}" for name in ("pending", "place_of", "started", "unclaimed")
    }
    claims = {
        f"{module}.{_snake(name)}"
        for small in contract_laws.SMALL
        for name in (*small.invariants, *small.step_invariants)
        for module in ("invariants", "process_pool_invariants")
    }
    return named | read | claims


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def coverage(contracts: Sequence[str]) -> Row:
    """Return the row that says that of every public function something is claimed."""
    begin = perf_counter()
    known = {*contracts, *covered(), *WITHOUT}
    names = public()
    told = [f"{name}: no contract, no law, no reason" for name in names if name not in known]
    told += [f"{name}: a reason for what is not there" for name in WITHOUT if name not in names]
    return Row(
        "each public function has a contract or a law",
        "ast",
        f"but {len(WITHOUT)}, each with a reason",
        f"{len(names) - len(WITHOUT)} functions",
        perf_counter() - begin,
        bool(names) and not told,
        "\n".join(told),
    )


def rows(contracts: Sequence[str]) -> Iterator[Row]:
    """Yield what there is for every run, given the names of those that have contracts."""
    yield coverage((*contracts, "model.tla_text"))
    for claim, law in contract_laws.LAWS.items():
        begin = perf_counter()
        told = list(law())
        failed = [case for case, holds in told if not holds]
        yield Row(
            claim,
            "exhaustive",
            "every case of a small domain",
            f"{len(told)} cases",
            perf_counter() - begin,
            bool(told) and not failed,
            "\n".join(failed[:5]),
        )
    yield from induction_rows.rows()


def full(write: bool) -> Iterator[Row]:
    """Yield what takes minutes, and keep the larger bounds if asked to."""
    begin = perf_counter()
    told = contract_wrong.unnoticed_by_laws()
    known = [(model, known_states(model)) for model in induction_rows.QUICK.values()]
    told += contract_wrong.unnoticed_by_induction(known)
    wrong = [
        *contract_wrong.STEPS,
        *(each for law in contract_wrong.WRONG.values() for each in law),
    ]
    yield Row(
        "a wrong function in the place of each is noticed",
        "exhaustive",
        "one wrong function each",
        f"{len(wrong) - len(told)} noticed",
        perf_counter() - begin,
        not told,
        "\n".join(told),
    )
    yield from induction_rows.larger(write)
