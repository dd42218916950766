"""Every model of ``tla/`` holds, every old design fails, every odd state is reached.

``holds/``    the good modules: all invariants and properties, all states
``museum/``   old designs: each fails the one property that its file names
``reached/``  claims that are false of the good modules: each must be violated, or
              the model cannot get where it is interesting

``tla/expected.json`` records the result of each, with the number of states and the
depth where the model holds, and the actions that lead to the failure of an old design;
any difference is a failure.  ``--write`` rewrites it.
The stories of what fails are written to ``build/stories``.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias, get_args

from foregone_spec import future_model, map_model, process_pool_actions, thread_pool, waiting_model
from model_tests.chain import reached
from model_tests.chain.command import BUILD
from model_tests.chain.java import QUICKLY, TLA, WELL
from model_tests.chain.pairs import PAIRS
from model_tests.chain.tlc import HOLDS, Config, Outcome, read_config, run
from model_tests.chain.verdict import Row, report

EXPECTED: Final = TLA / "expected.json"
AT_ONCE: Final = 2  # runs of TLC
LAST: Final = 2  # of a story's actions, shown in its row
SPELT_OUT: Final = 3  # bounds, in a row
COVERED: Final = 5_000  # states, up to which the actions taken are counted
LARGE: Final = 5_000  # states, from which on it pays to compile well

#: What expected.json says of one configuration.
Record: TypeAlias = dict[str, str | int]

ACTIONS: Final[Mapping[str, tuple[type, ...]]] = {
    "Future": get_args(future_model.Action),
    "Waiting": get_args(waiting_model.Action),
    "ThreadPool": get_args(thread_pool.Action),
    "ProcessPool": get_args(process_pool_actions.Action),
    "Map": get_args(map_model.Action),
}


def subject(config: Config) -> str:
    """Return the good module that a configuration is about."""
    return config.path.stem.partition("-")[0]


def configs(folder: str) -> tuple[Config, ...]:
    """Return the configurations of one folder, in order of their names."""
    return tuple(read_config(path) for path in sorted((TLA / folder).glob("*.cfg")))


def probes() -> tuple[Config, ...]:
    """Return a configuration for each single claim of ``reached/``."""
    folder = BUILD / "reached"
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(
        _alone(config, keyword, claim, folder)
        for config in configs("reached")
        for keyword, claims in (("INVARIANT", config.invariants), ("PROPERTY", config.properties))
        for claim in claims
    )


def _alone(config: Config, keyword: str, claim: str, folder: Path) -> Config:
    kept = config.path.read_text(encoding="utf-8")
    kept = re.split(r"^(?:INVARIANT|PROPERT)", kept, maxsplit=1, flags=re.MULTILINE)[0]
    path = folder / f"{config.path.stem}-{claim}.cfg"
    path.write_text(f"{kept}{keyword}\n  {claim}\n", encoding="utf-8")
    return replace(
        config,
        path=path,
        invariants=(claim,) if keyword == "INVARIANT" else (),
        properties=(claim,) if keyword == "PROPERTY" else (),
    )


def wanted(config: Config) -> str:
    """Return the result that a configuration must have, by the folder that it is in."""
    if config.path.parent.name in (HOLDS, "deep"):
        return HOLDS
    claims = (*config.invariants, *config.properties)
    if len(claims) != 1:
        raise ValueError(f"{config.name} must name the one claim that fails, not {claims}")
    return claims[0]


def record(config: Config, outcome: Outcome) -> Record:
    """Return what expected.json is to say of ``outcome``."""
    found: Record = {"module": config.module, "result": outcome.result}
    if outcome.result == HOLDS:
        found |= {"states": outcome.states, "depth": outcome.depth, "steps": outcome.steps}
    if config.path.parent.name == "museum":
        found["story"] = outcome.actions
    return found


def row(config: Config, outcome: Outcome, expected: Mapping[str, Record]) -> Row:
    """Judge ``outcome``: by the folder of its configuration, and by what is recorded."""
    found, known = record(config, outcome), expected.get(config.name)
    wrong: list[str] = []
    if outcome.result != wanted(config):
        wrong.append(f"{config.name}: {outcome.result} instead of {wanted(config)}")
        wrong.append(outcome.told() if outcome.story else outcome.output)
    if outcome.states == 0:
        wrong.append(f"{config.name}: no state was found")
    if found != known:
        wrong.append(f"{config.name}: expected.json says {known}, TLC says {found}")
    claims = len(config.invariants) + len(config.properties)
    says = {
        HOLDS: f"{config.path.stem}: {claims} claims hold",
        "museum": f"{config.path.stem} fails {wanted(config)} as it should",
        "reached": f"{config.path.stem.rpartition('-')[0]} can violate {wanted(config)}",
    }
    return Row(
        claim=says[config.path.parent.name],
        engine="TLC",
        bound=f"by {_ending(outcome)}" if outcome.story and not wrong else _bounds(config),
        count=f"{outcome.states} states",
        seconds=outcome.seconds,
        ok=not wrong,
        details="\n".join(wrong),
    )


def _ending(outcome: Outcome) -> str:
    actions = [step.action for step in outcome.story[1:]]
    return ", ".join(["…"] * (len(actions) > LAST) + actions[-LAST:])


def _bounds(config: Config) -> str:
    given = re.findall(r"^  (\w+) = (\d+)$", config.path.read_text(encoding="utf-8"), re.MULTILINE)
    if len(given) <= SPELT_OUT:
        return ", ".join(f"{number} {name}" for name, number in given)
    return f"{', '.join(number for _, number in given)} users"


def tell(config: Config, outcome: Outcome) -> None:
    """Write the story of what fails to ``build/stories``."""
    folder = BUILD / "stories"
    folder.mkdir(parents=True, exist_ok=True)
    title = f"{config.name}: {config.gloss}\nviolates {outcome.result}\n\n"
    name = config.name.replace("/", "-")
    folder.joinpath(f"{name}.txt").write_text(f"{title}{outcome.told()}\n", encoding="utf-8")


def good(config: Config) -> bool:
    """Say whether ``config`` is about a good module itself, not one that extends it."""
    return config.module.removeprefix("MC") == subject(config) and config.name.startswith(HOLDS)


def complete(taken: Mapping[str, set[str]]) -> Iterator[Row]:
    """Judge each good module as a whole: its actions were taken, its claims are all asked."""
    for name, actions in ACTIONS.items():
        names = {action.__name__ for action in actions}
        seen = taken.get(name, set())
        yield Row(
            claim=f"{name}: every action is taken, and no other",
            engine="TLC",
            bound=f"good ones of {COVERED:,} states at most",
            count=f"{len(names)} actions",
            seconds=0.0,
            ok=bool(names) and seen == names,
            details=f"never taken: {sorted(names - seen)}; unknown: {sorted(seen - names)}",
        )
        claims = {"TypeOK", *claims_of(name)}
        asked = {
            config.name: {*config.invariants, *config.properties}
            for config in configs(HOLDS)
            if good(config) and subject(config) == name
        }
        lacking = {each: sorted(claims - found) for each, found in asked.items() if claims - found}
        yield Row(
            claim=f"{name}: every good configuration asks all invariants",
            engine="models",
            bound=f"{len(asked)} configurations",
            count=f"{len(claims)} names",
            seconds=0.0,
            ok=bool(asked) and not lacking,
            details=f"not asked: {lacking}",
        )


def claims_of(name: str) -> set[str]:
    """Return the names of the Python invariants of the module ``name``."""
    models = (pair.model for pair in PAIRS if pair.model.name == name)
    return {claim for model in models for claim in (*model.invariants, *model.step_invariants)}


def covered(config: Config, expected: Mapping[str, Record]) -> bool:
    """Say whether TLC is to count the actions: that takes as long again, so small ones do."""
    states = int(expected.get(config.name, {}).get("states", 0))
    return good(config) and subject(config) in ACTIONS and states <= COVERED


def _run(config: Config, expected: Mapping[str, Record]) -> Outcome:
    large = int(expected.get(config.name, {}).get("states", 0)) >= LARGE
    compiled = WELL if large else QUICKLY
    flags = ("-coverage", "1") if covered(config, expected) else ()
    return run(config, *flags, compiled=compiled)


def _asked_together(pool: ThreadPoolExecutor) -> Mapping[str, Callable[[], Outcome]]:
    """Ask what must be violated file by file; return how to get the outcome of each claim."""
    found: dict[str, Callable[[], Outcome]] = {}
    for config in configs("reached"):
        claims = (*config.invariants, *reached.steps(config))
        if len(claims) > 1:
            asked = pool.submit(reached.ask, reached.together(config, BUILD / "reached"))
            for claim in claims:
                found[f"reached/{config.path.stem}-{claim}"] = partial(_of_claim, asked, claim)
    return found


def _of_claim(asked: Future[Mapping[str, Outcome]], claim: str) -> Outcome:
    return asked.result()[claim]


def rows(write: bool = False) -> Iterator[Row]:
    """Run every configuration, two at a time, and judge each in order."""
    everything = (*configs(HOLDS), *configs("museum"), *probes())
    expected: dict[str, Record] = {}
    if EXPECTED.exists() and not write:
        expected = json.loads(EXPECTED.read_text(encoding="utf-8"))
    found: dict[str, Record] = {}
    taken: dict[str, set[str]] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        joint = _asked_together(pool)
        jobs = [
            joint.get(config.name) or pool.submit(_run, config, expected).result
            for config in everything
        ]
        for config, job in zip(everything, jobs, strict=True):
            outcome = job()
            found[config.name] = record(config, outcome)
            if outcome.story:
                tell(config, outcome)
            if covered(config, expected):
                names = {name for name, times in outcome.taken.items() if times}
                taken.setdefault(subject(config), set()).update(names)
            yield row(config, outcome, found if write else expected)
    yield from complete(taken)
    gone = sorted(set(expected) - set(found))
    if write:
        EXPECTED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    elif gone:
        yield Row("expected.json", "", "", "", 0.0, False, f"it names what is not there: {gone}")


if __name__ == "__main__":
    raise SystemExit(report(rows(write="--write" in sys.argv[1:])))
