"""The museum as a page: ``python -m model_tests.museum.page`` writes ``docs/museum.md``.

Everything on it is taken from the table of the museum, from the configurations in
``tla/museum`` and from what ``tla/expected.json`` keeps of them.  ``test_museum_page.py``
compares.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final, TypeAlias, cast

from model_tests.chain.models import EXPECTED, configs, wanted
from model_tests.chain.tlc import Config
from model_tests.museum.catalogue import BUGS
from model_tests.museum.data import EXHIBITS, TELLING
from model_tests.museum.peers import PEERS
from model_tests.museum.record import read
from model_tests.museum.run import ROOMS
from model_tests.museum.table import PASSES, ROOT, Exhibit

PAGE: Final = ROOT / "docs" / "museum.md"

#: What expected.json keeps of each configuration.
Kept: TypeAlias = dict[str, dict[str, str]]

_STUTTERING: Final = "stuttering"
_CODE: Final = re.compile(r"`|__\w+__|\w+\([\w=.]*\)|\w*[a-z]_\w+")
_LINKS: Final = (
    (r"https://github\.com/python/cpython/issues/(\d+)", r"gh-\1"),
    (r"https://github\.com/([\w.-]+/[\w.-]+)/(?:issues|pull)/(\d+)", r"\1#\2"),
    (r"https://bugs\.python\.org/issue(\d+)", r"bpo-\1"),
)

INTRODUCTION: Final = """\
# The museum

Real bugs of `concurrent.futures` and of its peers, each with the steps in which it happens, an
old design in TLA+ that TLC convicts, and a script that shows it. This page is generated: `python
-m model_tests.museum.page` writes it from `model_tests/museum/data*.py`, `catalogue.py` and
`recorded.json` beside them, `tla/museum/` and `tla/expected.json`, and a test compares.

How to read a room:

- **Model.** It has the old design in it; with ours in its place, or the smallest repair, all
  claims hold (`tla/README.md`). TLC must find that the named claim is violated, in just these
  steps: `make models` compares. The steps are actions of the model, in their order. "For ever"
  means that the run goes round or stands still: the claim says that something happens in the
  end, and it never does. `make counterexample ARGS="museum/ThreadPool-M9 --output found.json"`
  writes the run of one of them, for the page to step through and for `foregone-spec explain`.
- **Exhibit.** One function, run in a process of its own on foregone, on the standard library,
  and, where there is one, on a copy of the old design. `make museum` runs them all, and fails
  where the standard library of the interpreter at hand does anything but what is recorded.
- **Rank.** S is what a museum of this kind must have, A is strong, B is good, C is a footnote.
- **What came out.** "Run" is run each time. "Recorded" is what `python -m
  model_tests.museum.record` saw when it ran the script on each interpreter and each peer of one
  machine (below). *passes* is what everybody wants; *hangs* means that the script did not end
  within its time; *absent* that this version does not know an argument that the script needs;
  any other word is the script's own for what it saw. A peer may promise something else than
  the standard library: pebble, say, cancels calls that run. P1 and P6 need luck, and are tried
  a few times on each peer; where it says so, a wait stands in its code between a look and an
  act. What could not be played on a peer is not listed. Of libraries without futures (they
  are marked) the futures are ours.
"""

REST: Final = """\
## Old designs without a script

For these there is a model and no exhibit: steps that one first had to think of, and mistakes
that this design could make.
"""


# ---------------------------------------------------------------------- in order


def in_order() -> tuple[Exhibit, ...]:
    """Return the exhibits, the most telling first."""
    return tuple(sorted(EXHIBITS, key=lambda each: _place(each.id)))


def _place(name: str) -> int:
    return TELLING.index(name) if name in TELLING else len(TELLING)


def page() -> str:
    """Return the whole page."""
    kept = cast("Kept", json.loads(EXPECTED.read_text(encoding="utf-8")))
    models = {config.path.stem: config for config in configs("museum")}
    shown = {name for exhibit in EXHIBITS for name in exhibit.models}
    parts = [INTRODUCTION, _recorded(), _index()]
    parts += [_room(exhibit, models, kept) for exhibit in in_order()]
    parts.append(REST)
    parts += [
        f"### {name}\n\n{_model(config, kept)}\n"
        for name, config in models.items()
        if name not in shown
    ]
    parts.append(_others())
    return "\n".join(parts).rstrip("\n") + "\n"


def _recorded() -> str:
    kept = read()
    return (
        f"Recorded {kept.date}, of commit {kept.commit}; {kept.machine}; peers with Python "
        f"{kept.python}.\n"
    )


def _others() -> str:
    """Return the bugs that have no room, with the reason why."""
    lines = ["## What has no room\n", "| bug | rank | why |", "| --- | --- | --- |"]
    lines += [
        f"| {each.id} {text(each.title)} | {each.rank} | {text(each.why)} |"
        for each in BUGS
        if each.why
    ]
    return "\n".join([*lines, ""])


def _index() -> str:
    lines = ["| room | rank | what went wrong | reported |", "| --- | --- | --- | --- |"]
    lines += [
        f"| [{each.id}](#{each.id.lower()}) | {_rank(each.id)} | {text(each.title)} "
        f"| {_links(each.link)} |"
        for each in in_order()
    ]
    return "\n".join([*lines, ""])


def _rank(room: str) -> str:
    """Return the rank of a room's bug; a bug that has no room of its own is named."""
    ranks = [
        bug.rank if room.startswith(bug.id) else f"{bug.id} {bug.rank}"
        for bug in BUGS
        if room in bug.rooms
    ]
    return ", ".join(ranks)


# -------------------------------------------------------------------- one room


def _room(exhibit: Exhibit, models: dict[str, Config], kept: Kept) -> str:
    steps = [f"{number}. {text(step)}" for number, step in enumerate(exhibit.steps, 1)]
    parts = [
        f"## {exhibit.id}",
        f"**{_capital(exhibit.title)}.** {_reported(exhibit.link)}.",
        f"{_capital(exhibit.mechanism)}.",
        "\n".join(steps),
        *[_model(models[name], kept) for name in exhibit.models],
    ]
    if not exhibit.models:
        parts.append("Model: none; here the script alone shows it.")
    parts.append(_exhibit(exhibit))
    parts.append(_outcomes(exhibit))
    return "\n\n".join(parts) + "\n"


def _model(config: Config, kept: Kept) -> str:
    """Return what an old design is, what it violates, and how."""
    known = kept[config.name]
    gloss = re.sub(rf"^{_marked(config.path.stem)}, ", "", config.gloss)
    actions, ending = read_story(known["story"])
    found = f"TLC finds `{wanted(config)}` violated in {len(actions)} steps"
    return (
        f"Model `tla/{config.name}.cfg`: {text(gloss)}. {found}"
        f"{', for ever' if ending else ''}:\n\n> {told(actions)}{ending}\n\n"
        f"To see its states: `python -m model_tests.chain.tlc {config.name}`."
    )


def _marked(name: str) -> str:
    """Return which bug a configuration is named for, as in ClaimTickets-P1-blame."""
    return name.split("-")[1]


def read_story(story: str) -> tuple[tuple[str, ...], str]:
    """Return the actions of a counterexample, and how it goes on for ever, if it does."""
    actions = re.split(r", (?!back to \d)", story)
    if actions[-1] == _STUTTERING:
        return tuple(actions[:-1]), "; and then nothing happens any more"
    last, _, back = actions[-1].partition(", back to ")
    actions[-1] = last
    if not back:
        return tuple(actions), ""
    return tuple(actions), f"; and on from {f'step {back}' if back != '0' else 'the beginning'}"


def told(actions: Sequence[str]) -> str:
    """Return actions in one line; what happens several times on end is counted."""
    runs = [(action, len([*same])) for action, same in groupby(actions)]
    return ", ".join(
        f"`{action}`" + (f" ({times} times)" if times > 1 else "") for action, times in runs
    )


def _exhibit(exhibit: Exhibit) -> str:
    room = next(each for each in ROOMS if hasattr(each, exhibit.script))
    path = f"impl/{room.__name__.replace('.', '/')}.py"
    return (
        f"Exhibit: `{exhibit.script}` in `{path}`. To run this one: "
        f"`make museum ARGS='--replay {exhibit.id}'`."
    )


def _outcomes(exhibit: Exhibit) -> str:
    kept = read()
    lines = ["| where | what came out | known |", "| --- | --- | --- |"]
    lines += _grouped("standard library of CPython ", kept.standard[exhibit.id])
    lines += _grouped("", {_foreign(x): word for x, word in kept.peers[exhibit.id].items()})
    if exhibit.seed:
        lines.append(f"| the old design again, `{exhibit.seed}` | {exhibit.seeded} | run |")
    lines += _grouped("foregone on CPython ", kept.foregone[exhibit.id])
    lines.append(f"| foregone | {PASSES} | run |")
    return "\n".join(lines)


def _grouped(what: str, words: dict[str, str]) -> Iterator[str]:
    """Yield a line for each word, with all places where it came out."""
    for word in dict.fromkeys(words.values()):
        places = ", ".join(place for place, each in words.items() if each == word)
        yield f"| {what}{places} | {word} | recorded |"


def _foreign(title: str) -> str:
    peer = next(each for each in PEERS if each.title == title)
    return title if peer.futures else f"{title} (futures are ours)"


# ----------------------------------------------------------------------- words


def text(words: str) -> str:
    """Return words as Markdown: what looks like code is code, and nothing else is markup."""
    parts: list[str] = []
    end = 0
    for found in _CODE.finditer(words):
        parts += [_plain(words[end : found.start()]), f"`{found[0]}`" if found[0] != "`" else "\\`"]
        end = found.end()
    return "".join([*parts, _plain(words[end:])])


def _plain(words: str) -> str:
    return re.sub(r"([\\*_<>|\[\]])", r"\\\1", words)


def _capital(words: str) -> str:
    found = text(words)
    return found if found.startswith("`") else found[:1].upper() + found[1:]


def _reported(link: str) -> str:
    return f"Reported: {_links(link)}" if "://" in link else _capital(link)


def _links(link: str) -> str:
    return ", ".join(_labelled(link.split(", ")))


def _labelled(links: Iterable[str]) -> Iterator[str]:
    for link in links:
        names = (re.sub(known, label, link) for known, label in _LINKS if re.fullmatch(known, link))
        name = next(names, "")
        yield f"[{name}]({link})" if name else text(link)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
