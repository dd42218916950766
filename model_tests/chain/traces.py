"""Recorded runs of the library are runs of the TLA+ models as TLC understands them.

    python -m model_tests.chain.traces [--full]

Runs are recorded (``model_tests.recorded_runs``), read as actions of the models, and
followed by TLC (``traces_module``), which must accept each.  Of runs that were corrupted
afterwards TLC and the Python specification must say the same: whether, and up to which
step.  ``--full`` takes more runs.

Every action of the models must occur in a run that was accepted, or stand in
``unseen_actions.json`` with the reason why it cannot; not both.  Likewise every kind of edge
(``edge_kinds``).
"""

import argparse
import json
import random
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, final

from foregone.run_rooms import Generous
from foregone_spec.kinds import kind_of
from foregone_spec.trace import Step
from model_tests.chain import edge_kinds
from model_tests.chain.models import ACTIONS
from model_tests.chain.traces_module import AnyTrace, Trace, follow, largest, universe, unseen
from model_tests.chain.verdict import Row, report
from model_tests.recorded_runs import (
    RARE,
    AnyReplay,
    from_processes,
    from_schedules,
    from_simulation,
    from_threads,
)

MODELS: Final = ("Future", "Waiting", "ThreadPool", "ProcessPool")
UNSEEN: Final = Path(__file__).with_name("unseen_actions.json")
ENGINE: Final = "TLC, trace"
SEED: Final = 2_718
AT_A_TIME: Final = 250  # runs, for one run of TLC
LONGEST: Final = 150  # steps of a run
SHOWN: Final = 3  # runs that failed, in the details of a row
REORDERED: Final = "reordered"  # what is said of the source of a run in which steps change places
LEAST_REORDERED: Final = 100  # of them that are to be rejected


@final
@dataclass(frozen=True, slots=True)
class Amount:
    """How many runs are recorded, and how many of each model's are corrupted."""

    schedules: int  # of each program
    threads: int
    simulated: int
    processes: int  # times all start methods
    corrupted: int


QUICK: Final = Amount(7, 70, 110, 1, 110)
FULL: Final = Amount(40, 600, 1_200, 4, 250)


# ------------------------------------------------------------------- the runs


@final
@dataclass(slots=True)
class Gathered:
    """The recorded runs, each once."""

    times: Counter[str] = field(default_factory=Counter)  # how often each was recorded
    traces: dict[str, AnyTrace] = field(default_factory=dict)
    beside: dict[str, AnyTrace] = field(default_factory=dict)  # as the model would not do it
    left: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def take(self, source: str, replays: Iterable[AnyReplay]) -> None:
        """Take runs in, as far as the models have them."""
        for replay in replays:
            generous = isinstance(replay.model, Generous)
            model = replay.model.model if isinstance(replay.model, Generous) else replay.model
            if not 0 < len(replay.steps) <= LONGEST:
                self.left["empty or too long"] += 1
            else:
                trace = Trace(source, model, replay.steps, unseen(model, replay.silent))
                verdict = trace.verdict()
                self.times[trace.key] += 1
                if verdict.accepted:
                    self.traces.setdefault(trace.key, trace)
                elif generous and replay.verdict().accepted:
                    self.beside.setdefault(trace.key, trace)
                else:
                    self.wrong.append(f"{source}: {verdict}")


def gather(amount: Amount) -> Gathered:
    """Record runs."""
    found = Gathered()
    sources = {
        "schedules": from_schedules(range(amount.schedules)),
        "threads": from_threads(range(amount.threads)),
        "simulation": from_simulation((*range(amount.simulated), *RARE)),
        "processes": from_processes(amount.processes),
    }
    for source, replays in sources.items():
        try:
            found.take(source, replays)
        except Exception:  # the library went wrong: others have its story
            found.wrong.append(f"{source}: {traceback.format_exc()}")
    return found


def corrupted(trace: AnyTrace, chance: random.Random) -> AnyTrace:
    """Return ``trace`` with a step dropped, doubled, moved, swapped, or of other arguments.

    Of every other run nothing is said any more of the variables.
    """
    steps = list(trace.steps)
    one, two = (chance.randrange(len(steps)) for _ in range(2))
    way = chance.choice(["drop", "double", "move", "swap", "swap", "change", "change"])
    match way:
        case "drop":
            del steps[one]
        case "double":
            steps.insert(chance.choice([one, two]), steps[one])
        case "move":
            steps.insert(two, steps.pop(one))
        case "swap":
            steps[one - 1], steps[one] = steps[one], steps[one - 1]
        case _:
            action = steps[one].action
            others = [
                each
                for each in universe(trace.model, largest(trace.model))
                if type(each) is type(action) and each != action
            ]
            steps[one] = Step(chance.choice(others or [action]), steps[one].variables)
    if chance.random() < 0.5:
        steps = [Step(each.action) for each in steps]
    source = f"{trace.source}, {REORDERED if way in ('move', 'swap') else 'corrupted'}"
    return replace(trace, source=source, steps=tuple(steps))


def spoilt(traces: Sequence[AnyTrace], wanted: int, chance: random.Random) -> list[AnyTrace]:
    """Return corrupted runs, each once, and other than those that there are."""
    known = {each.key for each in traces}
    found: dict[str, AnyTrace] = {}
    for _ in range(20 * wanted if traces else 0):
        wrong = corrupted(chance.choice(traces), chance)
        if wrong.steps and wrong.key not in known:
            found.setdefault(wrong.key, wrong)
        if len(found) == wanted:
            break
    return list(found.values())


# ------------------------------------------------------------------ what is said


@final
@dataclass(frozen=True, slots=True)
class Said:
    """How many steps of a run TLC could follow, and how many the Python specification."""

    trace: AnyTrace
    tlc: int
    python: int
    times: int = 1  # that it was recorded

    @property
    def rejected(self) -> bool:
        """Whether TLC rejects the run."""
        return self.tlc < len(self.trace.steps)

    def __str__(self) -> str:
        sides = f"TLC follows {self.tlc} steps, the Python specification {self.python}"
        return f"{self.trace.source}: {sides}\n{self.trace.verdict()}"


def judged(name: str, traces: Sequence[AnyTrace]) -> tuple[list[Said], float]:
    """Let both sides judge ``traces``, all of the model ``name``; return TLC's seconds, too."""
    ordered = sorted(traces, key=lambda each: str(each.model))
    found: list[Said] = []
    seconds = 0.0
    for first in range(0, len(ordered), AT_A_TIME):
        some = ordered[first : first + AT_A_TIME]
        followed = follow(f"{name}Runs{first // AT_A_TIME + 1}", some)
        seconds += followed.seconds
        for trace, steps in zip(some, followed.steps, strict=True):
            index = trace.verdict().index
            found.append(Said(trace, steps, len(trace.steps) if index is None else index))
    return found, seconds


def accepted(name: str, said: Sequence[Said], seconds: float) -> Row:
    """Judge the recorded runs of one model: TLC accepts each."""
    rejected = [each for each in said if each.rejected]
    models = {each.trace.model for each in said}
    runs, bad = (sum(each.times for each in some) for some in (said, rejected))
    return Row(
        claim=f"{name}: TLC accepts each recorded run",
        engine=ENGINE,
        bound=f"{len(said)} differ, {len(models)} constants",
        count=f"{runs - bad} of {runs} runs",
        seconds=seconds,
        ok=bool(said) and not rejected,
        details="\n".join(map(str, rejected[:SHOWN])),
    )


def agreed(said: Sequence[Said], least: int) -> Row:
    """Judge the corrupted runs: both sides say the same, and mostly no."""
    differ = [each for each in said if each.tlc != each.python]
    rejected = sum(each.rejected for each in said)
    return Row(
        claim="of corrupted runs TLC and the Python spec say the same",
        engine=ENGINE,
        bound=f"{len({each.trace.model.name for each in said})} models, to the step",
        count=f"{len(said)} runs {rejected} rejected",
        seconds=0.0,
        ok=len(said) >= least and 2 * rejected >= least and not differ,
        details="\n".join(
            [f"{least} runs are wanted, half of them rejected", *map(str, differ[:SHOWN])]
        ),
    )


def reordered(said: Sequence[Said]) -> Row:
    """Judge those in which steps of a real run have changed places: both sides reject many."""
    some = [each for each in said if each.trace.source.endswith(REORDERED)]
    both = [each for each in some if each.rejected and each.python < len(each.trace.steps)]
    return Row(
        claim="steps that have changed places are rejected by both",
        engine=ENGINE,
        bound=f"{len(some)} runs, some of which may be",
        count=f"{len(both)} rejected",
        seconds=0.0,
        ok=len(both) >= LEAST_REORDERED,
        details=f"       {LEAST_REORDERED} are wanted",
    )


def reasons() -> dict[str, dict[str, str]]:
    """Return the actions that no run can show, by model, each with the reason."""
    read: dict[str, dict[str, str]] = json.loads(UNSEEN.read_text(encoding="utf-8"))
    return read


def names(traces: Iterable[AnyTrace]) -> dict[str, set[str]]:
    """Return the actions that occur in ``traces``, by model."""
    found: dict[str, set[str]] = {}
    for trace in traces:
        kind = kind_of(trace.model)
        seen = found.setdefault(trace.model.name, set())
        seen.update(str(kind.plain(step.action)["action"]) for step in trace.steps)
    return found


def covered(seen: Mapping[str, set[str]], listed: Mapping[str, Mapping[str, str]]) -> Row:
    """Judge whether each action occurs, or has its reason, and not both."""
    wrong: list[str] = []
    number = occurred = 0
    for name in MODELS:
        every = {each.__name__ for each in ACTIONS[name]}
        there, excused = seen.get(name, set()), listed.get(name, {})
        number += len(every)
        occurred += len(every & there)
        wrong += [f"{name}: {each} occurs in no run" for each in every - there - excused.keys()]
        wrong += [f"{name}: {each} is listed, and occurs" for each in excused.keys() & there]
        wrong += [f"{name}: {each} is listed, and no action" for each in excused.keys() - every]
        wrong += [f"{name}: {each} has no reason" for each, why in excused.items() if not why]
    return Row(
        claim="each action occurs in an accepted run, or has its reason",
        engine="traces",
        bound=f"{UNSEEN.name}: {number - occurred} cannot",
        count=f"{occurred} of {number} actions",
        seconds=0.0,
        ok=bool(number) and not wrong,
        details="\n".join(sorted(wrong)),
    )


def recorded(found: Gathered, seconds: float) -> Row:
    """Judge the recording: what the Python specification makes of the runs."""
    runs = sum(found.times[each] for each in found.traces)
    sources = Counter(each.source for each in found.traces.values())
    told = ", ".join(f"{number} {each}" for each, number in sources.items())
    left = [f"     {number} left out: {why}" for why, number in sorted(found.left.items())]
    extra = sum(found.times[each] for each in found.beside)
    beside = f"     {extra} left out: a process is started that the model has no need of"
    return Row(
        claim="recorded runs are runs of the Python spec",
        engine="trace",
        bound=f"{len(found.traces)} differ",
        count=f"{runs} runs",
        seconds=seconds,
        ok=bool(found.traces) and not found.wrong,
        details="\n".join(found.wrong[:SHOWN]),
        note="\n".join([f"     different ones from {told}", beside, *left]),
    )


def rows(full: bool = False) -> Iterator[Row]:
    """Record runs, corrupt some, and let TLC and the Python specification judge all."""
    amount = FULL if full else QUICK
    began = time.perf_counter()
    found = gather(amount)
    yield recorded(found, time.perf_counter() - began)
    chance = random.Random(SEED)
    wrong: list[Said] = []
    sound: list[AnyTrace] = []
    for name in MODELS:
        good = [each for each in found.traces.values() if each.model.name == name]
        bad = spoilt(good, amount.corrupted, chance)
        bad += [each for each in found.beside.values() if each.model.name == name]
        said, seconds = judged(name, [*good, *bad])
        real = {each.key for each in good}
        sound += [each.trace for each in said if each.trace.key in real and not each.rejected]
        wrong += [each for each in said if each.trace.key not in real]
        counted = [
            replace(each, times=found.times[each.trace.key])
            for each in said
            if each.trace.key in real
        ]
        yield accepted(name, counted, seconds)
    yield agreed(wrong, len(MODELS) * amount.corrupted)
    yield reordered(wrong)
    yield covered(names(sound), reasons())
    yield edge_kinds.row(edge_kinds.occur(sound), edge_kinds.listed())


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, and do what it says."""
    parser = argparse.ArgumentParser("traces", description="Let TLC follow recorded runs.")
    parser.add_argument("--full", action="store_true", help="more runs")
    return report(rows(parser.parse_args(arguments).full))


if __name__ == "__main__":
    raise SystemExit(main())
