"""What came out where the exhibits were run: ``python -m model_tests.museum.record``.

Every exhibit is run on foregone and on the standard library of each interpreter that there
is, and, on the interpreter at hand, on each peer that can be installed (``peers/``).  The
words are kept in ``recorded.json`` with date, commit and machine.  Names after the command
run those exhibits alone, and leave what is kept of the others.  What differs from the table
is told, and fails.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias, cast, final

from model_tests.chain.command import stamp
from model_tests.museum.data import EXHIBITS
from model_tests.museum.peers import PEERS, Peer, install, path
from model_tests.museum.run import OF_PROCESSES, PEER
from model_tests.museum.table import OURS, PASSES, STANDARD, Exhibit, Outcome, interpreters, run

RECORDED: Final = Path(__file__).with_name("recorded.json")
AT_ONCE: Final = 6
BREAKS: Final = "breaks"
FOREIGN: Final = 20.0  # seconds until a peer is said to hang: nobody knows what it will do

#: The oldest Python that foregone runs on.
OLDEST: Final = (3, 11)

#: It imports the library that it is about by name, and a peer has none here.
BY_NAME: Final = ("m20_import",)
#: They need luck: each is tried so often on a peer, and the first word but "passes" stands.
NEED_LUCK: Final = {"p1_killed_next": 10, "p6_cancelled_in_between": 3}
#: It floods the pool with calls, and even who does not hang takes long.
FLOODING: Final = {"m3_full_channel": 90.0}
#: What is asked of a pool whatever it promises.
OF_POOLS: Final = (
    "h15_unpicklable", "h27_unseen_death", "m16_error", "m16_exception", "m26_slow_callback",
    "m28_grandchild", "m9_process", "p11_returned_error", "p16_killed_reader", "p2_argument",
    "p4_died_with_the_lock",
)  # fmt: skip
#: These want an error of a certain kind, and that of billiard reaches no future as it is.
OF_DEATHS: Final = ("h27_unseen_death", "m28_grandchild")
#: What is asked besides of one that goes on when a process dies.
OF_FUTURES: Final = (
    "m15_process", "m4_process", "m8_process", "p5_left_in_the_queue", "p6_cancelled_in_between",
)  # fmt: skip
#: What takes more for granted: that cancel() stops a call, that submit and shutdown do not wait.
OF_PEBBLE: Final = (
    "m13_process", "m17_second_shutdown", "m2_break", "m3_full_channel", "p1_killed_next",
    "p3_full_answers",
)  # fmt: skip
ASKED: Final = {
    "pebble": (*OF_POOLS, *OF_FUTURES, *OF_PEBBLE),
    "late pebble": tuple(NEED_LUCK),
    "deadpool": (*OF_POOLS, *OF_FUTURES),
    "mpire": OF_POOLS,
    "billiard": tuple(each for each in OF_POOLS if each not in OF_DEATHS),
    "multiprocessing": OF_POOLS,
}

TEXTS: Final = ("date", "commit", "machine", "python")
TABLES: Final = ("standard", "foregone", "peers")

#: By room: by where it was run: the word.
Words: TypeAlias = dict[str, dict[str, str]]


@final
@dataclass(frozen=True, slots=True)
class Kept:
    """What recorded.json says."""

    date: str
    commit: str
    machine: str
    python: str  # with which the peers were run
    standard: Words
    foregone: Words
    peers: Words


def read() -> Kept:
    """Return what is kept."""
    told = cast("dict[str, object]", json.loads(RECORDED.read_text(encoding="utf-8")))
    date, commit, machine, python = (str(told[each]) for each in TEXTS)
    standard, ours, peers = (cast("Words", told[each]) for each in TABLES)
    return Kept(date, commit, machine, python, standard, ours, peers)


def asked_of(peer: Peer, exhibit: Exhibit) -> bool:
    """Say whether an exhibit says something about a peer; loky is asked everything."""
    if peer.shape in ASKED:
        return exhibit.script in ASKED[peer.shape]
    return exhibit.script not in BY_NAME and any(
        hasattr(each, exhibit.script) for each in OF_PROCESSES
    )


def runs(
    exhibit: Exhibit, there: Sequence[Peer]
) -> Iterator[tuple[str, str, str, str, str, float]]:
    """Yield how an exhibit is to be run: table, place, module, Python, path, seconds."""
    for version, python in interpreters():
        seconds = exhibit.limit(exhibit.recorded()[version])
        yield "standard", version, STANDARD, python, "", seconds
        if tuple(map(int, version.split(".")[:2])) >= OLDEST:
            yield "foregone", version, OURS, python, "", 0.0
    for peer in there:
        if asked_of(peer, exhibit):
            seconds = FLOODING.get(exhibit.script, FOREIGN)
            yield "peers", peer.title, PEER + peer.shape, "", path(peer), seconds


def tried(exhibit: Exhibit, module: str, seconds: float, python: str, where: str) -> Outcome:
    """Run an exhibit, on a peer as often as luck needs."""
    often = NEED_LUCK.get(exhibit.script, 1) if where else 1
    outcome = run(exhibit, module, "", seconds, python, where)
    while outcome.word == PASSES and often > 1:
        often -= 1
        outcome = run(exhibit, module, "", seconds, python, where)
    return outcome


def played(exhibits: Sequence[Exhibit]) -> Iterator[tuple[str, str, str, Outcome]]:
    """Run the exhibits everywhere; yield table, room, place and what came out."""
    there: list[Peer] = []
    for peer in PEERS:
        why = install(peer)
        if why:
            print(f"{peer.title} could not be installed, and is absent:\n{why}")
        else:
            there.append(peer)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs: list[tuple[str, str, str, Future[Outcome]]] = [
            (table, each.id, place, pool.submit(tried, each, module, seconds, python, where))
            for each in exhibits
            for table, place, module, python, where, seconds in runs(each, there)
        ]
        for table, name, place, job in jobs:
            yield table, name, place, job.result()


def wrong(table: str, exhibit: Exhibit, place: str, word: str) -> str:
    """Return what is wrong with a word, or ""."""
    if table == "foregone" and word != PASSES:
        return f"{exhibit.id}: foregone {word} on {place}"
    if table == "standard" and word != exhibit.recorded()[place]:
        return (
            f"{exhibit.id}: the standard library of {place} {word}: mend data*.py, or find out why"
        )
    return ""


def main(names: Sequence[str]) -> int:
    """Make the record, or the part of it that is named."""
    exhibits = [each for each in EXHIBITS if not names or each.id in names]
    if {*names} - {each.id for each in exhibits}:
        print(f"no such exhibit: {' '.join({*names} - {each.id for each in exhibits})}")
        return 2
    by_id = {each.id: each for each in exhibits}
    kept: dict[str, Words] = {"standard": {}, "foregone": {}, "peers": {}}
    if names:
        before = read()
        kept = {"standard": before.standard, "foregone": before.foregone, "peers": before.peers}
    for table, words in kept.items():
        kept[table] = {each: words.get(each, {}) for each in (e.id for e in EXHIBITS)}
        for name in by_id:
            kept[table][name] = {}
    complaints: list[str] = []
    for table, name, place, outcome in played(exhibits):
        print(f"{name:5} {place:24} {outcome.word}", flush=True)
        complaint = wrong(table, by_id[name], place, outcome.word)
        complaints += [complaint] if complaint else []
        if table == "peers" and outcome.word == BREAKS:
            print(f"      it is left out, since the script itself broke:\n{outcome.said[-800:]}")
            continue
        kept[table][name][place] = outcome.word
    told = {**stamp(), **kept}
    RECORDED.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print("\n".join(complaints))
    return int(bool(complaints))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
