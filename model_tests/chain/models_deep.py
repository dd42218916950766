"""The largest bounds: every configuration of ``tla/deep`` holds.

Too long for ``make verify``; ``make models-deep`` runs them before a release.  The last
figures are kept in ``tla/deep/expected.json``, with date, commit and machine (``--write``);
a result, a number of states or a depth that differs is a failure.

    python -m model_tests.chain.models_deep [--write] [NAME ...]
"""

import datetime as dt
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from model_tests.chain.models import configs
from model_tests.chain.tlc import HOLDS, TLA, Config, Outcome, run
from model_tests.chain.verdict import Row, report

EXPECTED: Final = TLA / "deep" / "expected.json"
AT_ONCE: Final = 2
PATIENCE: Final = 40 * 60  # seconds for one run
MEMORY: Final = "8g"


def rows(write: bool = False, names: Sequence[str] = ()) -> Iterator[Row]:
    """Run the configurations that are named, or all, two at a time."""
    chosen = [each for each in configs("deep") if not names or each.path.stem in names]
    kept = json.loads(EXPECTED.read_text(encoding="utf-8")) if EXPECTED.exists() else {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for config, outcome in zip(chosen, pool.map(_run, chosen), strict=True):
            found = {"module": config.module, "states": outcome.states, "depth": outcome.depth}
            if write and outcome.result == HOLDS:
                kept[config.path.stem] = {**found, **_taken(outcome.seconds)}
            yield _row(config, outcome, found, kept.get(config.path.stem, {}))
    if write:
        EXPECTED.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _run(config: Config) -> Outcome:
    return run(config, memory=MEMORY, patience=PATIENCE)


def _row(config: Config, outcome: Outcome, found: dict[str, object], kept: object) -> Row:
    known = {name: kept.get(name) for name in found} if isinstance(kept, dict) else {}
    wrong = []
    if outcome.result != HOLDS:
        wrong.append(outcome.told() if outcome.story else outcome.output)
    if found != known:
        wrong.append(f"{config.name}: {EXPECTED.name} says {known}, TLC says {found}")
    return Row(
        claim=f"{config.path.stem}: {len(config.invariants) + len(config.properties)} claims hold",
        engine="TLC",
        bound=config.gloss[:30],
        count=f"{outcome.states} states",
        seconds=outcome.seconds,
        ok=not wrong,
        details="\n".join(wrong),
    )


def _taken(seconds: float) -> dict[str, object]:
    commit = subprocess.run(
        ("git", "rev-parse", "--short", "HEAD"), cwd=TLA, capture_output=True, text=True
    )
    return {
        "seconds": round(seconds),
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "commit": commit.stdout.strip() or "unknown",
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
    }


if __name__ == "__main__":
    arguments = sys.argv[1:]
    raise SystemExit(
        report(rows("--write" in arguments, [each for each in arguments if each != "--write"]))
    )
