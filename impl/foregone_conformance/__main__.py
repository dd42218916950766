"""Judge an executor at the command line: ``foregone-conformance``.

Exit codes: 0 if each claim is kept or does not apply, 1 if one is broken, 2 if nothing could be
judged, or a report not be written, 130 after Ctrl-C.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Final, cast

from foregone_conformance import adapters
from foregone_conformance.catalogue import CLAIMS, chosen
from foregone_conformance.claims import Claim, Group, Verdict
from foregone_conformance.judge import JOBS, LIMIT, PATIENCE, Result, Setting, judge, look
from foregone_conformance.kinds import BadFactory, Kind
from foregone_conformance.report import (
    Report,
    as_json,
    closing,
    line,
    markdown,
    opening,
    today,
)
from foregone_conformance.report_html import html

_PROGRAM: Final = "foregone-conformance"


def main(argv: Sequence[str] | None = None) -> int:
    """Judge what ``argv`` names, print what comes out; return the exit code."""
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)  # as python -m has it
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what was seen is of any alphabet
    try:
        options = _parser().parse_args(argv)
        if cast("bool", options.list):
            print("\n".join(_listed(each) for each in CLAIMS))
            return 0
        return _judged(options)
    except BadFactory as error:
        print(f"{_PROGRAM}: {error}", file=sys.stderr)
        return 2
    except SystemExit as done:  # argparse has printed what it has to say
        return int(done.code or 0)
    except KeyboardInterrupt:
        print(f"{_PROGRAM}: interrupted; nothing was written", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _listed(claim: Claim) -> str:
    kinds = " ".join(each.value for each in claim.kinds)
    return f"{claim.id}  ({kinds}; {claim.group.value}) {claim.title}"


def _judged(options: argparse.Namespace) -> int:
    address = cast("str | None", options.address)
    if address is None:
        raise BadFactory(
            "what is to be judged? Name package.module:factory, "
            f"or one of {', '.join(adapters.KNOWN)}"
        )
    files = {
        markdown: cast("str | None", options.markdown),
        as_json: cast("str | None", options.json),
        html: cast("str | None", options.html),
    }
    for path in filter(None, files.values()):
        _can_be_a_file(path)  # now, and not when all has been tried
    limit, patience = cast("float", options.limit), cast("float", options.patience)
    subject = look(address, cast("Kind | None", options.kind), limit, patience)
    claims = chosen(subject.kind, cast("list[str]", options.only), cast("list[str]", options.group))
    if not claims:
        raise BadFactory("no claim is of --only and of --group: leave out one of them")
    seed, jobs = cast("int", options.seed), cast("int", options.jobs)
    setting = Setting(address, subject.kind, seed, jobs, patience, limit)
    print(f"{opening(subject, setting)}\n", flush=True)
    began = monotonic()
    results: list[Result] = []
    for result in judge(setting, claims):
        results.append(result)
        if result.verdict is Verdict.BROKEN or not cast("bool", options.quiet):
            print(line(result, setting), flush=True)
        if cast("bool", options.stacks) and result.stacks:
            print(result.stacks, flush=True)
    report = Report(subject, setting, results, monotonic() - began, today())
    print(f"\n{closing(report)}")
    for written, file in files.items():
        if file:
            _keep(file, written(report))
    return int(report.broken > 0)


def _can_be_a_file(path: str) -> None:
    if not Path(path).resolve().parent.is_dir():
        raise BadFactory(f"there is no folder for {path!r}: make it first")
    if Path(path).is_dir():
        raise BadFactory(f"{path!r} is a folder: name a file in it")


def _keep(file: str, text: str) -> None:
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadFactory(f"{file!r} cannot be written: {error.strerror}: name another") from None


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number above 0")
    return value


def _count(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 on")
    return value


def _parser() -> argparse.ArgumentParser:
    known = "\n".join(f"  {name:21}{each.what}" for name, each in adapters.KNOWN.items())
    parser = argparse.ArgumentParser(
        prog=_PROGRAM,
        description="Judge an executor by what concurrent.futures promises.",
        epilog=f"known by name:\n{known}\n\nexit codes: 0 nothing is broken, 1 it is, 2 usage",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("address", nargs="?", help="package.module:factory, called with max_workers=n, or a name")
    add(
        "--thread",
        dest="kind",
        action="store_const",
        const=Kind.THREAD,
        help="its calls run in this process",
    )
    add(
        "--process",
        dest="kind",
        action="store_const",
        const=Kind.PROCESS,
        help="its calls run in others",
    )
    add("--only", action="append", default=[], metavar="CLAIM", help="this claim; may be repeated")
    groups = [each.value for each in Group]
    add("--group", action="append", default=[], choices=groups, help="these claims; repeatable")
    add("--seed", type=int, default=1, metavar="N", help="of what is drawn (1)")
    add("--jobs", type=_count, default=JOBS, metavar="N", help=f"claims at a time ({JOBS})")
    idle = f"idle seconds that are a hang ({PATIENCE:g})"
    add("--patience", type=_positive, default=PATIENCE, metavar="SECONDS", help=idle)
    last = f"seconds for a claim ({LIMIT:g})"
    add("--limit", type=_positive, default=LIMIT, metavar="SECONDS", help=last)
    add("--markdown", metavar="FILE", help="write the report there")
    add("--json", metavar="FILE", help="write the report there")
    add("--html", metavar="FILE", help="write the report there")
    add("--stacks", action="store_true", help="print the stacks of what hangs")
    add("--quiet", action="store_true", help="print what is broken only")
    add("--list", action="store_true", help="print all claims, and judge nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
