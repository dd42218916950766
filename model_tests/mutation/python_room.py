"""The mutants of some modules of Python code: judged by checks, kept, and judged again.

Each server (``python_server``) is a process that judges one mutant at a time.  A full run
notes each fate in a file below ``build/`` as it comes, and goes on from there when it is
started again; the first notes are what is kept.  A fate is taken over if the mutant is the
same, so that a change of the code costs its own mutants only; ``--anew`` forgets them all.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue
from random import Random
from time import perf_counter
from typing import Final, final

from model_tests.chain.command import BUILD, ROOT
from model_tests.mutation import Fate, Mutant
from model_tests.mutation.kept import load, save
from model_tests.mutation.python import Changed, changes

AT_ONCE: Final = 2  # servers
FOLDER: Final = BUILD / "mutation"
HERE: Final = Path(__file__).parent
_SERVER: Final = (sys.executable, "-m", "model_tests.mutation.python_server")


@final
@dataclass(frozen=True, slots=True)
class Judged:
    """What a server says of a mutant."""

    killed: str | None
    how: str
    seconds: float  # by the clock
    used: float  # of a processor


@final
class Server:
    """A process that judges mutants, one at a time."""

    def __init__(self) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(_SERVER, stdin=pipe, stdout=pipe, cwd=ROOT, text=True)

    def judge(self, module: str, number: int, only: str | None = None) -> Judged:
        """Run the checks on a mutant, or the one that is named."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(
            json.dumps({"module": module, "number": number, "only": only}) + "\n"
        )
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the server ended on mutant {number} of {module}; see above")
        said = json.loads(line)
        return Judged(said["killed"], said["how"], said["seconds"], said["used"])

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@final
class Room:
    """Some modules, and where the fates of their mutants are kept."""

    def __init__(self, name: str, title: str, modules: Sequence[str], demand: float) -> None:
        self.name = name
        self.title = title
        self.modules = tuple(modules)
        self.demand = demand
        self.result = HERE / f"{name}.json"
        self.argued = HERE / f"{name}_survivors.json"
        self.noted = FOLDER / f"{name}.jsonl"

    def changes(self) -> dict[str, Changed]:
        """Return the mutants by name."""
        found = [each for module in self.modules for each in changes(module)]
        made = {each.mutant.name: each for each in found}
        assert len(made) == len(found), "two mutants have one name"
        return made

    def mutants(self) -> tuple[Mutant, ...]:
        """Return all mutants of today's code."""
        return tuple(each.mutant for each in self.changes().values())

    def judge(self, chosen: Sequence[Mutant], only: Sequence[str | None] = ()) -> Iterator[Fate]:
        """Judge mutants, each by all checks or by the one that is named for it."""
        for mutant, said in self.judged(chosen, only):
            yield Fate(mutant.name, said.killed, said.seconds)

    def judged(
        self, chosen: Sequence[Mutant], only: Sequence[str | None] = (), at_once: int = AT_ONCE
    ) -> Iterator[tuple[Mutant, Judged]]:
        """Judge mutants, some at a time, and say in which way each was found, as they come."""
        made = self.changes()
        named = list(only) or [None] * len(chosen)
        work = list(zip(chosen, named, strict=True))
        servers = [Server() for _ in range(max(1, min(at_once, len(work))))]
        free: SimpleQueue[Server] = SimpleQueue()
        for each in servers:
            free.put(each)

        def one(mutant: Mutant, check: str | None) -> tuple[Mutant, Judged]:
            server = free.get()
            try:
                changed = made[mutant.name]
                return mutant, server.judge(changed.module, changed.number, check)
            finally:
                free.put(server)

        try:
            with ThreadPoolExecutor(len(servers)) as pool:
                yield from pool.map(one, *zip(*work, strict=True))
        finally:
            for each in servers:
                each.close()

    # ------------------------------------------------------------------ a full run

    def begin(self, *, anew: bool) -> None:
        """Note what is kept, if nothing is noted yet; or, anew, nothing."""
        self.noted.parent.mkdir(parents=True, exist_ok=True)
        if anew:
            self.noted.write_text("")
        elif self.result.exists() and not self.noted.exists():
            kept = load(self.result)
            notes = [
                {"name": mutant.name, "what": mutant.what, "killed": fate.killed_by}
                | {"seconds": fate.seconds}
                for mutant, fate in zip(kept.mutants, kept.fates, strict=True)
            ]
            self.noted.write_text("".join(json.dumps(each) + "\n" for each in notes))

    def known(self) -> dict[str, Fate]:
        """Return the fates that an earlier run, not finished, has noted."""
        if not self.noted.exists():
            return {}
        today = {each.name: each for each in self.mutants()}
        found: dict[str, Fate] = {}
        for line in self.noted.read_text().splitlines():
            said = json.loads(line)
            mutant = today.get(said["name"])
            if mutant is not None and mutant.what == said["what"]:
                found[mutant.name] = Fate(mutant.name, said["killed"], said["seconds"])
        return found

    def full(self, at_once: int, chosen: Sequence[Mutant]) -> None:
        """Judge all that is not noted; note each as it comes."""
        known = self.known()
        left = [each for each in chosen if each.name not in known]
        print(f"{self.name}: {len(chosen)} mutants, {len(left)} to be judged", flush=True)
        self.noted.parent.mkdir(parents=True, exist_ok=True)
        began = perf_counter()
        with self.noted.open("a", encoding="utf-8") as file:
            for number, (mutant, said) in enumerate(self.judged(left, (), at_once), start=1):
                note = {"name": mutant.name, "what": mutant.what, **asdict(said)}
                file.write(json.dumps(note) + "\n")
                file.flush()
                if said.killed is None:
                    print(f"alive: {mutant.where} {mutant.name} ({said.used:.0f} s)", flush=True)
                if number % 50 == 0:
                    print(f"  {number} in {perf_counter() - began:.0f} s", flush=True)

    def write(self) -> None:
        """Keep what was noted of all of today's mutants."""
        today, known = self.mutants(), self.known()
        save(self.result, today, [known[each.name] for each in today if each.name in known])

    def confirm(self, at_once: int) -> list[str]:
        """Have each mutant that was noted as killed killed again, by that check alone."""
        known = self.known()
        dead = [each for each in self.mutants() if known[each.name].killed_by is not None]
        checks = [known[each.name].killed_by for each in dead]
        return [
            f"{mutant.name}: was killed by {known[mutant.name].killed_by}, and now by {said.killed}"
            for mutant, said in self.judged(dead, checks, at_once)
            if said.killed != known[mutant.name].killed_by
        ]

    def sample(self, chance: Random, modules: int, each: int, seconds: float) -> list[Mutant]:
        """Draw mutants that were killed, and quickly: so many of each of so many modules."""
        kept = load(self.result)
        quick = {
            fate.mutant
            for fate in kept.fates
            if fate.killed_by is not None and fate.seconds <= seconds
        }
        groups: dict[str, list[Mutant]] = {}
        for changed in self.changes().values():
            if changed.mutant.name in quick:
                groups.setdefault(changed.module, []).append(changed.mutant)
        drawn = chance.sample(sorted(groups), min(modules, len(groups)))
        return [
            mutant
            for module in drawn
            for mutant in chance.sample(groups[module], min(each, len(groups[module])))
        ]

    def again(self, some: Sequence[Mutant]) -> Iterator[tuple[Mutant, str]]:
        """Run on each the check that is kept as its killer; yield those not found, and how."""
        kept = load(self.result)
        killers = {each.mutant: each.killed_by for each in kept.fates}
        dead = [each for each in some if killers.get(each.name) is not None]
        for mutant, said in self.judged(dead, [killers[each.name] for each in dead]):
            if said.killed != killers[mutant.name]:
                yield mutant, f"{killers[mutant.name]} does not find it any more"

    def main(self, arguments: Sequence[str] | None = None) -> int:
        """Read the command line, and do what it says."""
        parser = argparse.ArgumentParser(self.name, description=f"Mutants of {self.name}.")
        parser.add_argument("--full", action="store_true", help="judge all that is not noted yet")
        parser.add_argument("--anew", action="store_true", help="forget what an earlier run noted")
        parser.add_argument("--alive", action="store_true", help="judge survivors once more")
        parser.add_argument("--confirm", action="store_true", help="run each killer alone")
        parser.add_argument("--write", action="store_true", help="keep the result")
        parser.add_argument("--at-once", type=int, default=AT_ONCE, help="processes")
        parser.add_argument("names", nargs="*", help="mutants, or modules; all if none is named")
        asked = parser.parse_args(arguments)
        self.begin(anew=asked.anew)
        names = [str(each) for each in asked.names]
        chosen = [
            each
            for each in self.mutants()
            if not names or each.name in names or each.name.partition(".")[0] in names
        ]
        if asked.alive or (names and not asked.full):
            self._forget(chosen, only_alive=asked.alive)
        if asked.full or names or asked.alive:
            self.full(asked.at_once, chosen)
        if asked.confirm:
            wrong = self.confirm(asked.at_once)
            print("\n".join(wrong) or f"{self.name}: each killer kills again, alone")
            if wrong:
                return 1
        if asked.write:
            self.write()
        known = self.known()
        alive = [
            each for each in chosen if each.name in known and known[each.name].killed_by is None
        ]
        print("\n".join(f"alive: {each.where} {each.name}" for each in alive))
        print(f"{self.name}: {len(chosen)} mutants, {len(known)} noted, {len(alive)} alive")
        return 0

    def _forget(self, chosen: Sequence[Mutant], *, only_alive: bool) -> None:
        """Let some mutants be judged once more."""
        if not self.noted.exists():
            return
        names = {each.name for each in chosen}
        notes = [json.loads(line) for line in self.noted.read_text().splitlines()]
        keep = [
            each
            for each in notes
            if each["name"] not in names or (only_alive and each["killed"] is not None)
        ]
        self.noted.write_text("".join(json.dumps(each) + "\n" for each in keep))
