"""A plugin of pytest: each claim about an executor is a test.

    pytest --conformance package.module:factory [--conformance-kind process]

It adds to what is collected otherwise; ``-k`` and ``--deselect`` choose claims as they choose
tests.  A claim that does not apply is skipped, and says why.  Each test tries its claim in a
process of its own, so what hangs in there does not hang here.

Every run of pytest imports this module, so the kit is imported when an executor is named.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, cast

import pytest

if TYPE_CHECKING:
    from foregone_conformance.claims import Claim
    from foregone_conformance.judge import Setting

_GROUP: Final = "foregone-conformance"
_MAKE: Final = "from_parent"  # of pytest's nodes, whose type is not told in full


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    add = parser.getgroup(_GROUP, "judge executors").addoption
    add(
        "--conformance",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="judge package.module:factory, or an executor with a name; may be repeated",
    )
    kinds = ["thread", "process"]
    add("--conformance-kind", choices=kinds, help="where its calls run; else it is asked")
    add("--conformance-seed", type=int, default=1, help="of what is drawn (1)")
    idle = "idle seconds that are a hang (10)"
    add("--conformance-patience", type=_positive, default=10.0, help=idle)
    add("--conformance-limit", type=_positive, default=120.0, help="seconds for a claim (120)")


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number above 0")
    return value


def pytest_configure(config: pytest.Config) -> None:
    """Find what is named; raise UsageError here, since xdist tells nobody of its workers'."""
    addresses = cast("list[str]", config.getoption("--conformance"))
    here = os.fspath(config.invocation_params.dir)
    if addresses and here not in sys.path:
        sys.path.insert(0, here)  # as python -m pytest has it
    if addresses and config.getoption("numprocesses", None):
        from foregone_conformance.judged import load
        from foregone_conformance.kinds import BadFactory

        for address in addresses:
            try:
                load(address)
            except BadFactory as error:
                raise pytest.UsageError(f"--conformance: {error}") from error


@pytest.hookimpl(tryfirst=True)  # before -k chooses
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add a test for each claim about each executor that is named."""
    for address in cast("list[str]", config.getoption("--conformance")):
        executor: Executor = getattr(Executor, _MAKE)(session, name=address)
        items.extend(executor.collect())


class NotKept(Exception):
    """What a test fails with: the report is its text."""


class Executor(pytest.Collector):
    """An executor that is judged."""

    def collect(self) -> Iterator["ClaimItem"]:
        """Yield a test for each claim; raise UsageError if the executor cannot be made."""
        from foregone_conformance.catalogue import chosen
        from foregone_conformance.judge import Setting, look
        from foregone_conformance.kinds import BadFactory, Kind

        option = self.config.getoption
        named = cast("str | None", option("--conformance-kind"))
        limit = cast("float", option("--conformance-limit"))
        patience = cast("float", option("--conformance-patience"))
        try:
            subject = look(self.name, Kind(named) if named else None, limit, patience)
        except BadFactory as error:
            raise pytest.UsageError(f"--conformance: {error}") from error
        setting = Setting(
            self.name,
            subject.kind,
            cast("int", option("--conformance-seed")),
            patience=patience,
            limit=limit,
        )
        for claim in chosen(subject.kind):
            item: ClaimItem = getattr(ClaimItem, _MAKE)(self, name=claim.id)
            item.set(claim, setting)
            yield item


class ClaimItem(pytest.Item):
    """One claim about one executor."""

    claim: "Claim"
    setting: "Setting"

    def set(self, claim: "Claim", setting: "Setting") -> None:
        """Say which, and how it is tried."""
        self.claim, self.setting = claim, setting

    def runtest(self) -> None:
        """Try it."""
        from foregone_conformance.claims import Verdict
        from foregone_conformance.judge import tried

        result = tried(self.setting, self.claim)
        if result.verdict is Verdict.NOT_APPLICABLE:
            pytest.skip(result.seen)
        if result.verdict is Verdict.BROKEN:
            raise NotKept(
                f"{self.claim.id}: {self.claim.title}\n{result.seen}\n"
                f"meaning: {self.claim.meaning}\nsource: {self.claim.source}\n"
                f"replay: {self.setting.replay(self.claim.id)}\n{result.stacks}"
            )

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None
    ) -> str:
        """Return what is printed of a failure: the report, without this module's frames."""
        if isinstance(excinfo.value, NotKept):
            return str(excinfo.value).rstrip()
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[str, None, str]:
        """Return where the test is, and what it is called."""
        return self.setting.address, None, f"{self.setting.address} {self.claim.id}"
