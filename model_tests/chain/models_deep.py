"""The largest bounds: every configuration of ``tla/deep`` holds.

Too long for ``make verify``; ``make models-deep`` runs them before a release: two at a
time, those first that took longest.  What TLC says of its progress is printed as it comes.
The last figures are kept in ``tla/deep/expected.json``, with date, commit and machine
(``--write``); a result, a number of states or a depth that differs is a failure.

    python -m model_tests.chain.models_deep [--write] [NAME ...]
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Final, TypeAlias

from model_tests.chain.command import stamp
from model_tests.chain.java import TLA, WELL
from model_tests.chain.models import configs
from model_tests.chain.tlc import HOLDS, Config, Outcome, run
from model_tests.chain.verdict import Row, report

EXPECTED: Final = TLA / "deep" / "expected.json"
AT_ONCE: Final = 2
PATIENCE: Final = 40 * 60  # seconds for one run
MEMORY: Final = "8g"

#: What expected.json says of one configuration.
Record: TypeAlias = dict[str, str | int]


def rows(write: bool = False, names: Sequence[str] = ()) -> Iterator[Row]:
    """Run the configurations that are named, or all, two at a time; yield each as it ends."""
    there = {config.path.stem: config for config in configs("deep")}
    kept: dict[str, Record] = {}
    if EXPECTED.exists():
        kept = json.loads(EXPECTED.read_text(encoding="utf-8"))
    if write:
        kept = {name: known for name, known in kept.items() if name in there}
    chosen = sorted({*names} or there, key=lambda name: (-_seconds(kept.get(name, {})), name))
    unknown = sorted({*chosen, *kept} - set(there))
    if unknown:
        yield Row("deep", "", "", "", 0.0, False, f"named, but not in tla/deep: {unknown}")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = {pool.submit(_run, there[name]): there[name] for name in chosen if name in there}
        for job in as_completed(jobs):
            config, outcome = jobs[job], job.result()
            found = record(config, outcome)
            if write and outcome.result == HOLDS:
                kept[config.path.stem] = {**found, **_taken(outcome.seconds)}
                text = json.dumps(kept, indent=1, sort_keys=True)
                EXPECTED.write_text(f"{text}\n", encoding="utf-8")
            yield row(config, outcome, kept.get(config.path.stem, {}))


def _seconds(known: Record) -> int:
    """Say how long a configuration took: what is not known may take long."""
    return int(known.get("seconds", PATIENCE))


def _run(config: Config) -> Outcome:
    def tell(progress: str) -> None:
        print(f"  .. {config.path.stem}: {short(progress)}", flush=True)

    tell("begins")
    return run(config, memory=MEMORY, compiled=WELL, patience=PATIENCE, listener=tell)


def short(progress: str) -> str:
    """Return what TLC says of its progress in fewer words."""
    found = re.match(r"Progress\((\d+)\).* ([\d,]+) distinct .* ([\d,]+) states left", progress)
    if found is None:
        return progress.partition(" at (")[0]
    return f"depth {found[1]}, {found[2]} states, {found[3]} to look at"


def record(config: Config, outcome: Outcome) -> Record:
    """Return what expected.json is to say of ``outcome``."""
    return {"module": config.module, "states": outcome.states, "depth": outcome.depth}


def row(config: Config, outcome: Outcome, kept: Mapping[str, str | int]) -> Row:
    """Judge ``outcome``: it holds, and is what is recorded."""
    found = record(config, outcome)
    known = {name: kept.get(name) for name in found}
    wrong: list[str] = []
    if outcome.result != HOLDS:
        wrong.append(f"{config.name}: {outcome.result}")
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


def _taken(seconds: float) -> Record:
    return {"seconds": round(seconds), **stamp()}


if __name__ == "__main__":
    arguments = sys.argv[1:]
    raise SystemExit(
        report(rows("--write" in arguments, [each for each in arguments if each != "--write"]))
    )
