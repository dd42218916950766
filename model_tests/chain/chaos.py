"""Random scenarios with real processes: nothing is lost, run twice, wrong, or left behind.

    python -m model_tests.chain.chaos [--scenarios N] [--seed S] [--write]
    python -m model_tests.chain.chaos --replay NAME [--subject concurrent.futures]

Without arguments: a sample, and the standard library's pool, which must be convicted by
the same judge.  ``make chaos`` plays as many as ``docs/chaos.json`` says were played
last; with ``--write`` the result is written there, with date, commit and machine.  A
scenario that fails is played again, made smaller if that is cheap, and named.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic, perf_counter
from typing import Any, Final, cast, final

from model_tests import process_world as world
from model_tests.chain.command import ROOT, python_m, stamp
from model_tests.chain.verdict import Row, report
from model_tests.chaos.records import WORD
from model_tests.chaos.run import HUNG
from model_tests.chaos.scenario import read
from model_tests.chaos.subjects import OURS, STANDARD, SUBJECTS

LAST: Final = ROOT / "docs" / "chaos.json"
AT_ONCE: Final = 2  # processes that play
BATCH: Final = 20  # scenarios for each
LIMIT: Final = 60.0  # seconds for a scenario of ours, which is not to hang
IMPATIENT: Final = 3.0  # for a subject that is to be convicted
SAMPLE: Final = 60
FULL: Final = 2_000
#: Scenarios in which who is not to pass is known not to, and how many of them must show it.
KNOWN: Final = {
    STANDARD: (("3", "6"), 2),  # one hangs, in one a payload costs all
    "the parent always wins": (("39", "43", "66", "70"), 1),
    "a process always claims": (("39", "43", "66", "70"), 1),
    "nobody is blamed": (("3", "14", "51"), 1),
}
PLAYER: Final = (sys.executable, "-W", "ignore", "-m", "model_tests.chaos.run")
SHRINKING: Final = 60.0  # seconds for making one smaller


@final
@dataclass(slots=True)
class Played:
    """What came of one scenario."""

    name: str
    complaints: list[str]
    counts: Counter[str] = field(default_factory=Counter)
    stacks: str = ""


# ----------------------------------------------------------------------- one process


def _run(names: Sequence[str], subject: str, limit: float) -> tuple[list[Played], list[str]]:
    """Play scenarios in a process of its own; return what came, and which it left out."""
    word = f"chaos{os.getpid()}x{os.urandom(4).hex()}"
    found: list[Played] = []
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        # Files, not pipes: whoever is left behind would keep a pipe open.
        process = subprocess.Popen(
            [*PLAYER, "--subject", subject, "--limit", str(limit), *names],
            cwd=ROOT,
            env={**os.environ, WORD: word},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            code = process.wait((limit + 20) * len(names))
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        leaked = world.marked(word)
        if code == 0:
            world.until(lambda: not world.marked(word), 5)  # the resource tracker, at last
            leaked = world.marked(word)
        for pid in leaked:
            world.send(pid, signal.SIGKILL)
        out.seek(0)
        err.seek(0)
        said_last = err.read()[-20_000:]
        begun = ""
        for line in out.read().splitlines():
            said = cast("dict[str, Any]", json.loads(line))  # JSON of our own
            begun = said.get("begins", "")
            if not begun:
                found.append(Played(said["name"], said["complaints"], Counter(said["counts"])))
        if begun:
            what = "it hangs" if code == HUNG else f"its process ended with {code}"
            found.append(Played(begun, [what], stacks=said_last))
        elif not found:
            found.append(Played(names[0], ["it did not even begin"], stacks=said_last))
        elif leaked:
            found[-1].complaints.append(f"processes are left after the last of {len(found)}")
    return found, list(names[len(found) :])


def batch(names: Sequence[str], subject: str = OURS, limit: float = LIMIT) -> list[Played]:
    """Play scenarios; go on in a new process after one that took its process along."""
    found: list[Played] = []
    rest = list(names)
    while rest:
        came, rest = _run(rest, subject, limit)
        found += came
    return found


def play(names: Sequence[str], subject: str = OURS, limit: float = LIMIT) -> Iterator[Played]:
    """Play scenarios in several processes."""
    batches = [names[at : at + BATCH] for at in range(0, len(names), BATCH)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for found in pool.map(lambda some: batch(some, subject, limit), batches):
            yield from found


# ------------------------------------------------------------------------- smaller


def smaller(name: str) -> tuple[str, int]:
    """Leave out steps for as long as the scenario fails; return its name, and how often."""
    began = monotonic()
    limit = LIMIT / 3

    def fails(candidate: str, times: int = 1) -> bool:
        return any(batch([candidate], limit=limit)[0].complaints for _ in range(times))

    again = sum(fails(name) for _ in range(3))
    if again < 3:
        return name, again
    scenario, width = read(name), len(read(name).steps) // 2
    while width and monotonic() - began < SHRINKING:
        at = 0
        while at < len(scenario.steps) and monotonic() - began < SHRINKING:
            kept = [n for n in range(len(scenario.steps)) if not at <= n < at + width]
            candidate = scenario.only(kept)
            if fails(candidate.name, 2):
                scenario = candidate
            else:
                at += width
        width //= 2
    return scenario.name, again


def _details(failed: Sequence[Played]) -> str:
    lines = []
    for each in failed[:5]:
        shorter, again = smaller(each.name)
        lines += [f"scenario {each.name} (failed again {again} of 3 times):"]
        lines += [f"       {wrong}" for wrong in each.complaints[:8]]
        lines += [each.stacks[-4_000:]] if each.stacks else []
        lines += [f"replay: make chaos ARGS='--replay {shorter}'"]
    if len(failed) > 5:
        lines.append(f"more that failed: {' '.join(each.name for each in failed[5:])}")
    return "\n".join(lines)


# ---------------------------------------------------------------------------- rows


def chaos(names: Sequence[str]) -> tuple[Row, dict[str, object]]:
    """Play scenarios on our pool."""
    began = perf_counter()
    found = list(play(names))
    failed = [each for each in found if each.complaints]
    counts: Counter[str] = sum((each.counts for each in found), Counter())
    methods = Counter(read(each.name).method for each in found)
    told = ", ".join(f"{count:,} {word}" for word, count in counts.items())
    seconds = perf_counter() - began
    row = Row(
        "real processes: no call lost, run twice, wrong, nothing left",
        "chaos",
        ", ".join(f"{methods[each]} {each}" for each in sorted(methods)),
        f"{len(found) - len(failed):,} scenarios",
        seconds,
        not failed and len(found) == len(names),
        _details(failed),
        f"     {told}",
    )
    result: dict[str, object] = {
        "scenarios": len(found),
        "failed": [each.name for each in failed],
        "methods": dict(methods),
        "counts": dict(counts),
        "seconds": round(seconds, 1),
    }
    return row, result


def killers(method: str) -> Row:
    """Make a thousand calls of which fifty kill their process."""
    done = python_m("model_tests.chaos.thousand", method, "1000", "50")
    return Row(
        "50 of 1,000 calls kill: those fail, each says how; none runs twice",
        "chaos",
        method,
        "1,000 calls" if not done.code else "0 calls",
        done.seconds,
        not done.code,
        done.tail(),
    )


def convicted(subject: str) -> Row:
    """Play scenarios on a pool that must not pass."""
    began = perf_counter()
    names, least = KNOWN[subject]
    caught: list[Played] = []
    for name in names:
        if len(caught) < least:
            caught += [each for each in batch([name], subject, IMPATIENT) if each.complaints]
    whose = "the standard library's pool" if subject == STANDARD else subject
    return Row(
        f"the same judge convicts: {whose}",
        "chaos",
        f"scenarios {', '.join(names)}",
        f"{len(caught)} convicted",
        perf_counter() - began,
        len(caught) >= least,
        "it passes",
        "\n".join(f"     {each.name}: {each.complaints[0]:.100}" for each in caught),
    )


def rows() -> Iterator[Row]:
    """Yield the rows of the sample."""
    yield chaos([str(seed) for seed in range(SAMPLE)])[0]
    yield from map(convicted, KNOWN)


def _write(result: dict[str, object]) -> None:
    told = {**stamp(), **result}
    LAST.write_text(json.dumps(told, indent=1) + "\n")


def replay(name: str, subject: str) -> int:
    """Play one scenario, and tell what it is and all that came of it."""
    scenario = read(name)
    print(f"{scenario.theme}: {scenario.method}, {scenario.policy}, {scenario.workers} processes")
    print(f"  tasks: {scenario.tasks}, initializer: {scenario.initializer}")
    for number, step in enumerate(scenario.steps):
        print(f"  {number}. {step.name} {step.word} {step.number or ''} {step.size or ''}".rstrip())
    print(f"  ending: {scenario.ending}")
    (played,) = batch([name], subject)
    print("\n".join([*played.complaints, played.stacks]) or "nothing is wrong")
    return int(bool(played.complaints))


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(prog="python -m model_tests.chain.chaos")
    parser.add_argument("--scenarios", type=int, metavar="N", help="play so many")
    parser.add_argument("--seed", type=int, metavar="S", default=0, help="the first of them")
    parser.add_argument("--write", action="store_true", help="keep the result in docs/chaos.json")
    parser.add_argument("--replay", metavar="NAME", help="play one, and tell")
    parser.add_argument("--subject", choices=SUBJECTS, default=OURS)
    asked = parser.parse_args(arguments)
    if asked.replay:
        return replay(asked.replay, asked.subject)
    if asked.scenarios is None and not asked.write:
        return report(rows())
    count = asked.scenarios or FULL
    names = [str(seed) for seed in range(asked.seed, asked.seed + count)]
    if asked.subject != OURS:
        wrong = 0
        for each in play(names, asked.subject, IMPATIENT):
            print(each.name, "; ".join(each.complaints[:3]) or "passes", flush=True)
            wrong += bool(each.complaints)
        return int(bool(wrong))
    row, result = chaos(names)
    if asked.write:
        _write(result)
    return report([row, *map(killers, ("forkserver", "spawn")), *map(convicted, KNOWN)])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
