"""A report as one HTML file that needs nothing else; all that was seen is escaped."""

from collections.abc import Iterator
from html import escape
from typing import Final

from foregone_conformance.claims import Group, Verdict
from foregone_conformance.judge import Result
from foregone_conformance.report import HEADERS, Report, closing, opening

_STYLE: Final = """\
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
td, th { border-top: 1px solid #8884; padding: .3rem .5rem; text-align: left; vertical-align: top }
td:first-child { font-family: monospace }
td:last-child { text-align: right }
.broken { font-weight: bold; color: #b00020 }
pre { overflow-x: auto; background: #8881; padding: .5rem; white-space: pre-wrap }
@media (prefers-color-scheme: dark) {
  body { background: #111; color: #ddd } .broken { color: #ff8a80 }
}
"""


def html(report: Report) -> str:
    """Return a report as a page."""
    title = escape(f"Conformance of {report.subject.address}")
    lines = escape(opening(report.subject, report.setting)).replace("\n", "<br>")
    body = "\n".join(part for group in Group for part in _group(report, group))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n'
        f"<title>{title}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{title}</h1>\n<p>{lines}</p>\n<p>{escape(closing(report))}</p>\n"
        f"{body}\n</body>\n</html>\n"
    )


def _group(report: Report, group: Group) -> Iterator[str]:
    of = [each for each in report.results if each.claim.group is group]
    if not of:
        return
    yield f"<h2>{escape(HEADERS[group])}</h2>"
    yield "<table>\n<tr><th>claim<th><th>verdict<th>seconds"
    for each in of:
        told = "" if not each.seen else _told(report, each)
        style = "broken" if each.verdict is Verdict.BROKEN else ""
        yield (
            f"<tr><td>{escape(each.claim.id)}<td>{escape(each.claim.title)}{told}"
            f'<td class="{style}">{each.verdict.value}<td>{each.seconds:.1f}'
        )
    yield "</table>"


def _told(report: Report, result: Result) -> str:
    if result.verdict is Verdict.NOT_APPLICABLE:
        return f"<br><small>since {escape(result.seen)}</small>"
    replay = report.setting.replay(result.claim.id)
    stacks = ""
    if result.stacks:
        stacks = f"<details><summary>stacks</summary><pre>{escape(result.stacks)}</pre></details>"
    return (
        f"<pre>{escape(result.seen)}</pre><p>Meaning: {escape(result.claim.meaning)}.<br>"
        f"Source: {escape(result.claim.source)}.</p><pre>{escape(replay)}</pre>{stacks}"
    )
