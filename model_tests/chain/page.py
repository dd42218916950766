"""The verdict as a page: ``build/verdict.html``, one file that needs no other.

It loads nothing, runs nothing, is readable by day and by night and in a narrow window.
What failed stands first, with all that it said; then each link with its rows.  Every
string of a row is escaped: details may hold anything that a tool has printed.
"""

import datetime as dt
import html
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, final

from model_tests.chain.command import git
from model_tests.chain.verdict import Row

#: A row, and the link that it is of.
Linked = tuple[str, Row]

_HEAD: Final = ("claim", "engine", "bound", "count", "time", "verdict")

#: What the page may load: its own style, and nothing else.
_ALLOWED: Final = "default-src 'none'; style-src 'unsafe-inline'"

_STYLE: Final = """
:root { color-scheme: light dark; --line: #ccc; --dim: #555; --good: #17692c; --bad: #a8101d;
  --ground: #fff; --ink: #1a1a1a; --box: #f4f4f4; }
@media (prefers-color-scheme: dark) { :root { --line: #444; --dim: #aaa; --good: #7fd491;
  --bad: #ff8a8a; --ground: #161616; --ink: #e6e6e6; --box: #222; } }
body { margin: 1.5rem auto; max-width: 75rem; padding: 0 1rem; background: var(--ground);
  color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .4rem; }
h2 small, .dim { color: var(--dim); font-weight: normal; }
.ok { color: var(--good); } .fail { color: var(--bad); font-weight: bold; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; }
dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .5rem .25rem 0; text-align: left;
  vertical-align: top; overflow-wrap: anywhere; }
th { color: var(--dim); font-weight: normal; }
th:nth-child(1) { width: 38%; } th:nth-child(2) { width: 9%; } th:nth-child(3) { width: 23%; }
th:nth-child(4) { width: 15%; } th:nth-child(5) { width: 8%; }
td:nth-child(4), td:nth-child(5) { font-variant-numeric: tabular-nums; }
pre { background: var(--box); padding: .6rem; overflow-x: auto; white-space: pre-wrap;
  overflow-wrap: anywhere; font-size: 13px; margin: .3rem 0; }
article { border-left: 3px solid var(--bad); padding-left: .8rem; margin: 1rem 0; }
@media (max-width: 45rem) {
  thead { display: none; } table, tbody, tr, td { display: block; }
  tr { border-bottom: 1px solid var(--line); padding: .4rem 0; }
  td { border: 0; padding: .05rem 0; }
  td[data-is]::before { content: attr(data-is) ": "; color: var(--dim); }
}
"""


@final
@dataclass(frozen=True, slots=True)
class Facts:
    """Where and when a verdict was found, and in how long."""

    date: str
    seconds: float
    python: str
    machine: str
    commit: str


def facts(seconds: float) -> Facts:
    """Return what is so here and now."""
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    return Facts(
        date=now.isoformat(sep=" "),
        seconds=round(seconds, 1),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        machine=f"{platform.platform()}, {os.cpu_count()} processors",
        commit=git("describe", "--always", "--dirty") or "no git here",
    )


def page(rows: Sequence[Linked], about: Facts) -> str:
    """Return the whole page."""
    failed = [(link, row) for link, row in rows if not row.ok]
    verdict = (
        f"{len(failed)} of {len(rows)} claims failed" if failed else f"{len(rows)} claims, all ok"
    )
    if not rows:
        verdict = "nothing was checked"
    mood = "ok" if rows and not failed else "fail"
    parts = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{_ALLOWED}">',
        f"<title>{_text(f'foregone: {verdict}')}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
        f'<h1>foregone: <span class="{mood}">{_text(verdict)}</span></h1>',
        *_facts(about),
        *_failures(failed),
        *_links(rows),
        "</body>\n</html>\n",
    )
    return "\n".join(parts)


def _text(text: str) -> str:
    """Escape ``text``; what cannot be shown is shown as U+FFFD."""
    kept = "".join(
        each if each.isprintable() or each in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for each in text
    )
    return html.escape(kept, quote=True)


def _facts(about: Facts) -> Iterator[str]:
    yield "<dl>"
    for name, value in (
        ("date", about.date),
        ("commit", about.commit),
        ("Python", about.python),
        ("machine", about.machine),
        ("time", f"{about.seconds:.0f} s"),
    ):
        yield f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>"
    yield "</dl>"


def _failures(failed: Sequence[Linked]) -> Iterator[str]:
    if not failed:
        return
    yield '<h2 class="fail">What failed</h2>'
    for link, row in failed:
        yield f'<article>\n<div><span class="dim">{_text(link)}:</span> {_text(row.claim)}</div>'
        short = ", ".join(filter(None, (row.engine, row.bound, row.count)))
        yield f'<div class="dim">{_text(short)}</div>'
        for said in filter(None, (row.note, row.details)):
            yield f"<pre>{_text(said)}</pre>"
        yield "</article>"


def _links(rows: Sequence[Linked]) -> Iterator[str]:
    for link in dict.fromkeys(link for link, _ in rows):
        own = [row for name, row in rows if name == link]
        failed = sum(not row.ok for row in own)
        wrong = f', <span class="fail">{failed} failed</span>' if failed else ""
        seconds = sum(row.seconds for row in own)
        yield f"<h2>{_text(link)} <small>{len(own)} rows{wrong}, {seconds:.1f} s</small></h2>"
        yield (
            "<table>\n<thead><tr>" + "".join(f"<th>{each}</th>" for each in _HEAD) + "</tr></thead>"
        )
        yield "<tbody>"
        yield from map(_row, own)
        yield "</tbody>\n</table>"


def _row(row: Row) -> str:
    note = f"<pre>{_text(row.note)}</pre>" if row.note else ""
    cells = [f"<td>{_text(row.claim)}{note}</td>"]
    for name, value in (
        ("engine", row.engine),
        ("bound", row.bound),
        ("count", row.count),
        ("time", f"{row.seconds:.1f} s"),
    ):
        cells.append(f'<td data-is="{name}">{_text(value)}</td>')
    cells.append('<td class="ok">ok</td>' if row.ok else '<td class="fail">FAIL</td>')
    return f"<tr>{''.join(cells)}</tr>"
