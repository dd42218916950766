"""Every model of ``tla/`` holds, every old design fails, every odd state is reached.

``holds/``    the good modules: all invariants and properties, all states
``museum/``   old designs: each fails the one property that its file names
``reached/``  claims that are false of the good modules: each must be violated, or
              the model cannot get where it is interesting

``tla/expected.json`` records the result of each, with the number of states and the
depth where the model holds; any difference is a failure.  ``--write`` rewrites it.
The stories of what fails are written to ``build/stories``.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias, get_args

from foregone_spec import future_model, map_model, thread_pool, waiting_model
from model_tests.chain.tlc import BUILD, HOLDS, TLA, Config, Outcome, read_config, run
from model_tests.chain.verdict import Row, report

EXPECTED: Final = TLA / "expected.json"
AT_ONCE: Final = 2  # runs of TLC
LAST: Final = 3  # of a story's actions, shown in its row

#: What expected.json says of one configuration.
Record: TypeAlias = dict[str, str | int]

ACTIONS: Final[Mapping[str, tuple[type, ...]]] = {
    "Future": get_args(future_model.Action),
    "Waiting": get_args(waiting_model.Action),
    "ThreadPool": get_args(thread_pool.Action),
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
    kept = config.path.read_text(encoding="utf-8").partition("INVARIANT")[0]
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
    if config.path.parent.name == HOLDS:
        return HOLDS
    claims = (*config.invariants, *config.properties)
    if len(claims) != 1:
        raise ValueError(f"{config.name} must name the one claim that fails, not {claims}")
    return claims[0]


def record(config: Config, outcome: Outcome) -> Record:
    """Return what expected.json is to say of ``outcome``."""
    found: Record = {"module": config.module, "result": outcome.result}
    if outcome.result == HOLDS:
        found |= {"states": outcome.states, "depth": outcome.depth}
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
    says: dict[str, Callable[[], str]] = {
        HOLDS: lambda: f"{config.path.stem}: {claims} claims hold",
        "museum": lambda: f"{config.path.stem} fails {outcome.result} as it should: {_ending(outcome)}",
        "reached": lambda: f"{subject(config)} reaches the opposite of {outcome.result}",
    }
    return Row(
        claim=says[config.path.parent.name](),
        engine="TLC",
        bound=", ".join(_bounds(config)),
        count=f"{outcome.states} states",
        seconds=outcome.seconds,
        ok=not wrong,
        details="\n".join(wrong),
    )


def _ending(outcome: Outcome) -> str:
    actions = [step.action for step in outcome.story[1:]]
    return ", ".join(["…"] * (len(actions) > LAST) + actions[-LAST:])


def _bounds(config: Config) -> Iterator[str]:
    for line in config.path.read_text(encoding="utf-8").splitlines():
        name, sign, value = line.strip().partition(" = ")
        if sign and value.isdecimal():
            yield f"{value} {name}"


def tell(config: Config, outcome: Outcome) -> None:
    """Write the story of what fails to ``build/stories``."""
    folder = BUILD / "stories"
    folder.mkdir(parents=True, exist_ok=True)
    title = f"{config.name}: {config.gloss}\nviolates {outcome.result}\n\n"
    name = config.name.replace("/", "-")
    folder.joinpath(f"{name}.txt").write_text(f"{title}{outcome.told()}\n", encoding="utf-8")


def _coverage(taken: Mapping[str, set[str]], seconds: float) -> Iterator[Row]:
    for name, actions in ACTIONS.items():
        names = {action.__name__ for action in actions}
        idle = sorted(names - taken.get(name, set()))
        unknown = sorted(taken.get(name, set()) - names)
        yield Row(
            claim=f"{name}: every action is taken, and no other",
            engine="TLC",
            bound="the good configurations",
            count=f"{len(names)} actions",
            seconds=seconds,
            ok=not idle and not unknown and bool(names),
            details=f"never taken: {idle}; not an action of the Python spec: {unknown}",
        )


def _run(config: Config) -> Outcome:
    good = config.path.parent.name == HOLDS
    return run(config, "-coverage", "1") if good else run(config)


def rows(write: bool = False) -> Iterator[Row]:
    """Run every configuration, two at a time, and judge each in order."""
    everything = (*configs(HOLDS), *configs("museum"), *probes())
    expected: dict[str, Record] = {}
    if EXPECTED.exists() and not write:
        expected = json.loads(EXPECTED.read_text(encoding="utf-8"))
    found: dict[str, Record] = {}
    taken: dict[str, set[str]] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = [pool.submit(_run, config) for config in everything]
        for config, job in zip(everything, jobs, strict=True):
            outcome = job.result()
            found[config.name] = record(config, outcome)
            if outcome.story:
                tell(config, outcome)
            if config.module.removeprefix("MC") == subject(config):
                names = {name for name, times in outcome.taken.items() if times}
                taken.setdefault(subject(config), set()).update(names)
            yield row(config, outcome, found if write else expected)
    yield from _coverage(taken, 0.0)
    gone = sorted(set(expected) - set(found))
    if write:
        EXPECTED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    elif gone:
        yield Row("expected.json", "", "", "", 0.0, False, f"it names what is not there: {gone}")


if __name__ == "__main__":
    raise SystemExit(report(rows(write="--write" in sys.argv[1:])))
