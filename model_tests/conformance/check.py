"""The kit on trial: ``python -m model_tests.conformance.check`` (``make conformance``).

All claims are tried against foregone's two executors, with several seeds: none may be broken.
And against each faulty executor: its own claim has to be, and what else is, is listed as a
consequence.  ``--seeds 5`` tries more; what was convicted of nothing, or of something that it
is not guilty of, fails.
"""

import argparse
import sys
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from time import perf_counter
from typing import Final

from foregone import ThreadPoolExecutor
from foregone_conformance.catalogue import by_id, chosen
from foregone_conformance.claims import Group, Verdict
from foregone_conformance.judge import Result, Setting, judge, tried
from foregone_conformance.kinds import Kind
from model_tests.chain.command import lines
from model_tests.chain.verdict import Row, report
from model_tests.conformance.faults import FAULTS
from model_tests.conformance.faults_documented import DOCUMENTED
from model_tests.conformance.faults_semantics import SEMANTICS

OURS: Final = {"foregone-thread": Kind.THREAD, "foregone-process": Kind.PROCESS}
PLAIN: Final = "model_tests.conformance.plain:Plain"
AT_ONCE: Final = 8
OF_FAULTS: Final = [Group.INVARIANT.value, Group.LINEARIZABLE.value]
#: By the claim that is to convict him: who breaks a promise, or a row of the table.
OWN: Final = {**DOCUMENTED, **SEMANTICS}
FAIR: Final = "model_tests.conformance.odd_libraries:OfFair"
#: Of what else an executor without a fault is convicted: its threads know it, and FAIR has the
#: futures and the ``wait`` of the standard library.
NO_FAULT: Final = {
    PLAIN: {"collected-ends"},
    FAIR: {
        *("collected-ends", "callback-exits", "timeout-huge", "timeout-nan"),
        "wait-bad-condition-done",
    },
}


def address(claim: str) -> str:
    """Return where the executor is that is to be convicted by a claim."""
    return f"model_tests.conformance.faults:{FAULTS[claim].__name__}"


def kind(claim: str) -> Kind:
    """Return where its calls run."""
    return Kind.PROCESS if claim == "WatchedSet" else Kind.THREAD


def convicted(results: Iterable[Result]) -> list[Result]:
    """Return those of claims that are broken."""
    return [each for each in results if each.verdict is Verdict.BROKEN]


def innocent(setting: Setting, groups: list[str], but: Collection[str] = ()) -> Row:
    """Return a row for an executor that is to be convicted of nothing, but for some claims."""
    began = perf_counter()
    results = [*judge(setting, chosen(setting.kind, [], groups))]
    wrong = [each for each in convicted(results) if each.claim.id not in but]
    told = [f"{each.claim.id}: {each.seen}\n{setting.replay(each.claim.id)}" for each in wrong]
    kept = sum(each.verdict is Verdict.KEPT for each in results)
    return Row(
        claim=f"{setting.address} is convicted of nothing{' else' if but else ''}",
        engine="conformance",
        bound=f"seed {setting.seed}",
        count=f"{kept} claims",
        seconds=perf_counter() - began,
        ok=kept > 0 and not wrong,
        details=lines(told),
    )


def guilty(claim: str, seed: int) -> Row:
    """Return a row for an executor that is to be convicted of one claim."""
    began = perf_counter()
    setting = Setting(address(claim), kind(claim), seed)
    results = judge(setting, chosen(setting.kind, [], OF_FAULTS))
    found = [each.claim.id for each in convicted(results)]
    others = [each for each in found if each != claim]
    return Row(
        claim=f"{FAULTS[claim].__name__} is convicted by {claim}",
        engine="conformance",
        bound=f"seed {seed}",
        count=f"{len(found)} broken",
        seconds=perf_counter() - began,
        ok=claim in found,
        details=f"       convicted of {', '.join(found) or 'nothing'}",
        note=f"       consequences: {', '.join(others)}" if others else "",
    )


def each_of_its_own(seed: int) -> Row:
    """Return a row for those that break a promise of the documentation, or a row of the table."""
    began = perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = [*pool.map(partial(own_claim, seed), OWN)]
    free = [each.claim.id for each in results if each.verdict is not Verdict.BROKEN]
    return Row(
        claim="who breaks a promise, or a row of the table, is convicted of it",
        engine="conformance",
        bound=f"seed {seed}",
        count=f"{len(results) - len(free)} executors",
        seconds=perf_counter() - began,
        ok=bool(results) and not free,
        details=f"       not convicted: {', '.join(free)}",
    )


def own_claim(seed: int, claim: str) -> Result:
    """Try the claim that is to convict an executor."""
    made, of = OWN[claim]
    return tried(Setting(f"{made.__module__}:{made.__name__}", of, seed), by_id(claim))


def rows(seeds: int, first: int) -> Iterator[Row]:
    """Yield all rows."""
    for seed in range(first, first + seeds):
        for name, of in OURS.items():
            yield innocent(Setting(name, of, seed), [])
    yield innocent(Setting(PLAIN, Kind.THREAD, first), OF_FAULTS)
    for claim in FAULTS:
        yield guilty(claim, first)
    for name, but in NO_FAULT.items():
        yield innocent(Setting(name, Kind.THREAD, first), [Group.SEMANTICS.value], but)
    yield each_of_its_own(first)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    options = parser.parse_args()
    sys.exit(report(rows(options.seeds, options.first)))
