"""The fate of mutants of ``tla/``: the checks, cheapest first, until one fails.

Where there is a twin in Python, graphs are compared, at small bounds first; else the claims
of ``holds/`` are asked, many mutants at a time.  Who survives that meets every configuration
of his module, alone.  A mutant that breaks no claim, but has not the states that
``tla/expected.json`` says, is killed by that.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Final, TypeAlias

from model_tests.chain.command import BUILD
from model_tests.chain.models import ACTIONS, configs
from model_tests.chain.pairs import Pair
from model_tests.chain.tlc import HOLDS, Config
from model_tests.mutation import Fate
from model_tests.mutation.tla import Mutation, contexts
from model_tests.mutation.tla_alone import Alone, asking
from model_tests.mutation.tla_batch import Copies
from model_tests.mutation.tla_claims import ask, counted, expected
from model_tests.mutation.tla_claims import otherwise as steps_of
from model_tests.mutation.tla_differs import OTHERWISE, within_actions
from model_tests.mutation.tla_equality import compare, otherwise, pairs
from model_tests.mutation.tla_modules import Context

#: What a check says of some mutants: each with None if it lives, else what it breaks, or
#: nothing where that goes without saying; and the seconds.
Judged: TypeAlias = Iterator[tuple[Mutation, str | None, float]]
Stage: TypeAlias = Callable[[Sequence[Mutation]], Judged]

AT_A_TIME: Final = 48  # mutants in one run of TLC that explores each of them
AT_ONCE: Final = 160  # in one that does not
_FAIRNESS: Final = "fairness"
#: So begins the name of a killer that has asked one mutant, and not many at a time.
ALONE: Final = "alone, "
#: States: what has more is not asked, of many mutants (of holds/ and of deep/), nor of one alone.
_MOST: Final = 3_000
_MOST_DEEP: Final = 27_000
_MOST_ALONE: Final = 27_000
_MOST_FAIR: Final = 11_000


class Journal:
    """What is known already, of these very modules: a run may be interrupted."""

    def __init__(self) -> None:
        digest = hashlib.sha256()
        for module in (each for context in contexts() for each in context.modules.values()):
            digest.update(module.text.encode())
        folder = BUILD / "mutants"
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"tla-{digest.hexdigest()[:12]}.jsonl"
        self.known: dict[tuple[str, str], Fate] = {}
        if self._path.exists():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                name, what, killer, seconds = json.loads(line)
                self.known[name, what] = Fate(name, killer, seconds)

    def note(self, mutation: Mutation, fate: Fate) -> Fate:
        """Write a fate down."""
        what = mutation.mutant.what
        self.known[mutation.mutant.name, what] = fate
        with self._path.open("a", encoding="utf-8") as file:
            line = [fate.mutant, what, fate.killed_by, round(fate.seconds, 2)]
            file.write(json.dumps(line) + "\n")
        return fate


def judge(
    chosen: Sequence[Mutation], journal: Journal | None = None, tell: Callable[[str], None] = print
) -> Iterator[Fate]:
    """Yield the fate of each mutant, as it comes."""
    known = {} if journal is None else journal.known
    left: list[Mutation] = []
    for mutation in chosen:
        fate = known.get((mutation.mutant.name, mutation.mutant.what))
        if fate is None:
            left.append(mutation)
        else:
            yield fate
    for context in contexts():
        of = [each for each in left if each.subject is context.subject]
        with tempfile.TemporaryDirectory(prefix=f"{context.subject.name}-") as room:
            for mutation, fate in Trial(context, Path(room), tell).fates(of):
                yield fate if journal is None else journal.note(mutation, fate)


def parts(whole: Sequence[Mutation], most: int) -> Iterator[Sequence[Mutation]]:
    """Yield a sequence in parts of so many."""
    for at in range(0, len(whole), most):
        yield whole[at : at + most]


class Trial:
    """The mutants of one subject, and what it takes to kill them."""

    def __init__(self, context: Context, room: Path, tell: Callable[[str], None]) -> None:
        self._context = context
        self._copies = Copies(context)
        self._room = room
        self._tell = tell
        self._spent: dict[str, float] = {}

    def fates(self, chosen: Sequence[Mutation]) -> Iterator[tuple[Mutation, Fate]]:
        """Yield the fate of each; of the fair ones only liveness can tell."""
        left = [each for each in chosen if not each.mutant.kind.startswith(_FAIRNESS)]
        fair = [each for each in chosen if each.mutant.kind.startswith(_FAIRNESS)]
        for title, stage in self.stages():
            alive: list[Mutation] = []
            for mutation, killer, seconds in stage(left):
                self._spend(mutation, seconds)
                if killer is None:
                    alive.append(mutation)
                else:
                    yield mutation, self._fate(mutation, f"{title}: {killer}" if killer else title)
            if left:
                self._tell(f"{title}: {len(left)} mutants, {len(alive)} go on")
            left = alive
        for mutation in (*left, *fair):
            killer = self._alone(mutation)
            self._tell(f"{mutation.mutant.name}, alone: {killer}")
            yield mutation, self._fate(mutation, killer and f"{ALONE}{killer}")

    def stages(self) -> Iterator[tuple[str, Stage]]:
        """Yield the checks of many mutants at a time, by name: cheap ones first."""
        twin = self._context.subject.name in ACTIONS
        return self._equalities() if twin else self._claims()

    def _equalities(self) -> Iterator[tuple[str, Stage]]:
        """Yield each bound at which the graph must be that of the Python spec."""
        for pair in pairs(self._context.subject.name):

            def stage(left: Sequence[Mutation], pair: Pair = pair) -> Judged:
                inner, outer = self._parted(left)
                for some in parts(inner, AT_ONCE):
                    for mutation, differs, seconds in otherwise(
                        self._copies, some, pair, self._room
                    ):
                        yield mutation, "" if differs else None, seconds
                for some in parts(outer, AT_A_TIME):
                    for mutation, differs, seconds in compare(self._copies, some, pair, self._room):
                        yield mutation, "" if differs else None, seconds

            yield f"equality: {self._context.subject.name}, {pair.bound}", stage

    def _claims(self) -> Iterator[tuple[str, Stage]]:
        """Yield each configuration whose claims must hold, and whose states are counted."""
        root = self._context.subject.root
        few = [
            each
            for folder, most in ((HOLDS, _MOST), ("deep", _MOST_DEEP))
            for each in configs(folder)
            if each.module == root and each.invariants and expected(each.name) <= most
        ]
        for config in sorted(few, key=lambda each: expected(each.name)):

            def stage(left: Sequence[Mutation], config: Config = config) -> Judged:
                inner, outer = self._parted(left)
                asked = list(outer)
                for some in parts(inner, AT_ONCE):
                    for mutation, differs, seconds in steps_of(
                        self._copies, some, config, self._room
                    ):
                        if differs == OTHERWISE:
                            self._spend(mutation, seconds)
                            asked.append(mutation)
                        else:
                            yield mutation, differs, seconds
                for some in parts(asked, AT_A_TIME):
                    for mutation, answer in ask(self._copies, some, config, self._room):
                        killer = answer.broken
                        others = counted(config) and answer.states != expected(config.name)
                        if killer is None and others:
                            killer = f"states {answer.states}, not {expected(config.name)}"
                        yield mutation, killer, answer.seconds

            yield config.name, stage

    def _parted(self, left: Sequence[Mutation]) -> tuple[list[Mutation], list[Mutation]]:
        """Part those that change actions from those that change groups, or the start."""
        inner = [each for each in left if within_actions(self._copies, each)]
        return inner, [each for each in left if each not in inner]

    def _alone(self, mutation: Mutation) -> str | None:
        """Ask each configuration; of those that hold, all only where fairness is at stake."""
        fair = mutation.mutant.kind.startswith(_FAIRNESS)
        alone = Alone(mutation, self._room)
        for config in asking(mutation.module):
            holds = not config.name.startswith(("reached", "museum"))
            if holds and expected(config.name) > (_MOST_FAIR if fair else _MOST_ALONE):
                continue
            if fair and (not holds or "safety only" in config.gloss):
                continue  # nothing is said of what happens in the end
            began = perf_counter()
            killer = alone.verdict(config)
            self._spend(mutation, perf_counter() - began)
            if killer is not None:
                return killer
        return None

    def _spend(self, mutation: Mutation, seconds: float) -> None:
        name = mutation.mutant.name
        self._spent[name] = self._spent.get(name, 0.0) + seconds

    def _fate(self, mutation: Mutation, killer: str | None) -> Fate:
        return Fate(mutation.mutant.name, killer, self._spent.get(mutation.mutant.name, 0.0))
