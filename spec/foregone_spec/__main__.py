"""The specification at the command line: ``foregone-spec``.

Prints the tables and their diagrams, answers what a command does in a state,
explores a model, steps through one, makes a page of one, and says whether a recorded
run is a behaviour of its model.
Exit codes: 0 is yes, 1 is no (an invariant violated, a run rejected), 2 is a
question that cannot be answered.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NoReturn, TypeAlias, cast

from foregone_spec import draw, page, pixels, told
from foregone_spec.draw import Machine
from foregone_spec.explore import DEFAULT_LIMIT, Graph, TooManyStates, explore
from foregone_spec.kinds import (
    FUTURE,
    MAP,
    PROCESS_POOL,
    THREAD_POOL,
    WAITING,
    AnyKind,
    Kind,
    TraceError,
    field_types,
)
from foregone_spec.model import A, S
from foregone_spec.options import KINDS, fields_of, json_option, model_options
from foregone_spec.sources import SOURCES
from foregone_spec.stepping import Refused, Session
from foregone_spec.terminal import Terminal
from foregone_spec.told import Told
from foregone_spec.walk import ROOM, searchable
from foregone_spec.words import WORDS

#: What a command prints, and the exit code.
_Answer: TypeAlias = Callable[[argparse.Namespace], tuple[str, int]]


class Unanswerable(Exception):
    """The question has no answer: one line says why, and what is allowed."""


def main(argv: Sequence[str] | None = None) -> int:
    """Answer ``argv`` on standard output; return the exit code."""
    try:
        args = _parser().parse_args(argv)
        answer: _Answer = args.answer
        text, code = answer(args)
        Terminal.write(text)
    except (Unanswerable, Refused, TraceError, TooManyStates, pixels.NoRenderer) as error:
        print(f"foregone-spec: {error}", file=sys.stderr)
        return 2
    except SystemExit as done:  # argparse has printed the help
        return int(done.code or 0)
    except KeyboardInterrupt:  # whoever has asked is gone
        return 130
    return code


# --------------------------------------------------------------------- tables


def _table(args: argparse.Namespace) -> tuple[str, int]:
    machine = draw.machines()[args.machine]
    if args.json:
        return _json(_as_json(machine)), 0
    return draw.markdown(machine) if args.markdown else draw.text(machine), 0


def _as_json(machine: Machine) -> object:
    return {
        state: {command: _cell(cell) for command, cell in row.items()}
        for state, row in machine.cells.items()
    }


def _cell(cell: draw.Cell) -> dict[str, object]:
    return {"after": cell.after, "reply": cell.reply, "effects": list(cell.effects)}


def _diagram(args: argparse.Namespace) -> tuple[str, int]:
    machine = draw.machines()[args.machine]
    drawn: str | bytes
    match "json" if args.json else args.format:
        case "json":
            drawn = _json({
                "states": list(machine.cells), "first": machine.first, "last": machine.last,
                "arrows": [_arrow(each) for each in machine.arrows],
            })  # fmt: skip
        case "png" if args.output is None:
            raise Unanswerable(f"a PNG is no text: name a file, as in --output {args.machine}.png")
        case "png":
            drawn = pixels.png(draw.svg(machine))
        case name:
            drawn = {"mermaid": draw.mermaid, "dot": draw.dot, "svg": draw.svg}[name](machine)
    if isinstance(drawn, str) and args.output is None:
        return drawn, 0
    Terminal.keep(args.output, drawn)
    return f"{args.output}: {len(drawn):,} bytes\n", 0


def _arrow(arrow: draw.Arrow) -> dict[str, object]:
    return {"before": arrow.before, "after": arrow.after, "commands": arrow.commands}


def _ask(args: argparse.Namespace) -> tuple[str, int]:
    machine = draw.machines()[args.machine]
    row = machine.cells[_known(args.state, machine.row, machine.cells)]
    cell = row[_known(args.command, machine.column, row)]
    meaning, source = list(_meaning(machine, args.state, cell)), SOURCES[args.machine][args.command]
    if args.json:
        asked = {"machine": args.machine, machine.row: args.state, machine.column: args.command}
        return _json({**asked, **_cell(cell), "meaning": meaning, "source": source}), 0
    lines = [f"{args.state}, {args.command}: {cell}", *(f"  {each}" for each in meaning)]
    lines.append(f"  source: {source}")
    return "\n".join(lines) + "\n", 0


def _known(value: str, what: str, allowed: Mapping[str, object]) -> str:
    if value in allowed:
        return value
    raise Unanswerable(f"{value!r} is not a known {what}: one of {', '.join(allowed)}")


def _meaning(machine: Machine, state: str, cell: draw.Cell) -> Iterator[str]:
    if machine.moves:
        stays = cell.after == state
        yield f"it stays {state}" if stays else f"it goes from {state} to {cell.after}"
    else:
        yield WORDS[cell.after]
    if cell.reply:
        yield WORDS[cell.reply]
    for number, effect in enumerate(cell.effects, start=1):
        yield f"{number}. {WORDS[effect]}"


# --------------------------------------------------------------------- models


def _of_model(args: argparse.Namespace) -> tuple[str, int]:
    fields = fields_of(args)
    match args.model:
        case "future":
            return _answered(FUTURE, fields, args)
        case "waiting":
            return _answered(WAITING, fields, args)
        case "thread-pool":
            return _answered(THREAD_POOL, fields, args)
        case "process-pool":
            return _answered(PROCESS_POOL, fields, args)
        case _:
            return _answered(MAP, fields, args)


def _answered(
    kind: Kind[S, A], fields: Mapping[str, object], args: argparse.Namespace
) -> tuple[str, int]:
    return (_stepped if args.steps else _explored)(kind, fields, args)


def _explored(
    kind: Kind[S, A], fields: Mapping[str, object], args: argparse.Namespace
) -> tuple[str, int]:
    model, limit = kind.model(fields, "model"), cast("int | None", args.limit)
    graph = explore(model, searchable(model, DEFAULT_LIMIT, 10 * ROOM) if limit is None else limit)
    code = 1 if graph.violations else 0
    return (_json(_graph_json(graph)) if args.json else _graph_text(graph)), code


def _graph_json(graph: Graph[S, A]) -> object:
    return {
        "model": str(graph.model),
        "states": len(graph.edges),
        "edges": graph.edge_count,
        "depth": graph.depth,
        "invariants": [*graph.model.invariants, *graph.model.step_invariants],
        "violations": [
            {"invariant": each.invariant, "steps": [str(action) for action, _ in each.story[1:]]}
            for each in graph.violations
        ],
    }


def _graph_text(graph: Graph[S, A]) -> str:
    invariants = [*graph.model.invariants, *graph.model.step_invariants]
    violated = {each.invariant for each in graph.violations}
    lines = [
        str(graph.model),
        f"{len(graph.edges)} states, {graph.edge_count} edges, depth {graph.depth}",
        *(f"  {'VIOLATED' if each in violated else 'holds'}  {each}" for each in invariants),
        *(str(each) for each in graph.violations),
    ]
    return "\n".join(lines) + "\n"


# ------------------------------------------------------------------- stepping


def _stepped(
    kind: Kind[S, A], fields: Mapping[str, object], args: argparse.Namespace
) -> tuple[str, int]:
    terminal = Terminal()
    session = Session(kind, kind.model(fields, "model"), terminal.outside(args.seed))
    if args.load is not None:
        session.do(f"load {args.load}")
    return "", terminal.lead(session, as_json=args.json)


# ------------------------------------------------------------------- the page


def _page(args: argparse.Namespace) -> tuple[str, int]:
    shown: tuple[page.Scene, ...] | None = None
    text, leaves = None, None
    if args.trace is not None:
        text = Terminal.content(args.trace)
        try:
            shown, text, leaves = page.of_trace(args.trace, text)
        except TraceError as error:
            raise Unanswerable(f"{args.trace}: {error}") from None
    elif any(getattr(args, name) is not None for name in field_types(PROCESS_POOL.make)):
        bounded = PROCESS_POOL.model(fields_of(args), "model")
        shown = (page.Scene(str(bounded), bounded),)
    try:
        made = page.page(shown, text, leaves)
    except TooManyStates as error:
        why = str(error).removesuffix(": pass smaller bounds, or a larger limit")
        raise Unanswerable(f"{why}: pass smaller bounds, or --trace, for one run only") from None
    Terminal.keep(args.output, made)
    if args.json:
        return _json({"output": args.output, "characters": len(made)}), 0
    return f"{len(made):,} bytes are in {args.output}: open it in a browser\n", 0


# --------------------------------------------------------------------- traces


def _check(args: argparse.Namespace) -> tuple[str, int]:
    return _said(args, told.checked)


def _explain(args: argparse.Namespace) -> tuple[str, int]:
    return _said(args, told.explained)


def _said(args: argparse.Namespace, tell: Callable[[str], Told]) -> tuple[str, int]:
    text = Terminal.content(args.file)
    try:
        found = tell(text)
    except TraceError as error:
        raise Unanswerable(f"{args.file}: {error}") from None
    return (_json(found.plain) if args.json else found.text), 0 if found.accepted else 1


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


# -------------------------------------------------------------------- options


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Unanswerable(f"{message}; see {self.prog} --help")


def _parser() -> _Parser:
    parser = _Parser(prog="foregone-spec", description=(__doc__ or "").split("\n\n")[1])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, answer: _Answer, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(answer=answer)
        return made

    machines = draw.machines()
    table = command("table", _table, "print a table")
    _of_machine(table, list(machines))
    table.add_argument("--markdown", action="store_true", help="as the README has it")
    json_option(table)
    diagram = command("diagram", _diagram, "draw a state diagram")
    _of_machine(diagram, [name for name in machines if machines[name].moves])
    formats = ["mermaid", "dot", "svg", "png"]
    diagram.add_argument("--format", choices=formats, default="mermaid", help="of it (mermaid)")
    diagram.add_argument("--json", action="store_true", help="its states and arrows instead")
    diagram.add_argument("--output", metavar="FILE", help="write to FILE; a PNG goes nowhere else")
    ask = command("ask", _ask, "say what a command does in a state")
    _of_machine(ask, list(machines))
    ask.add_argument("state", help="a row of its table, as in RUNNING; a wrong one lists all")
    ask.add_argument("command", help="a column, as in cancel")
    json_option(ask)
    _of_models(command)
    seen = command("page", _page, "write the process pool as a page to click through")
    model_options(seen, PROCESS_POOL)
    seen.set_defaults(model="process-pool")
    seen.add_argument(
        "--output", metavar="FILE", default="process-pool.html", help="to FILE (process-pool.html)"
    )
    seen.add_argument("--trace", metavar="TRACE.json", help="show a recorded run, with its bounds")
    check = command("check", _check, "say whether a recorded run is a behaviour of its model")
    check.add_argument("file", metavar="TRACE.json", help="the run")
    json_option(check)
    explain = command("explain", _explain, "tell a recorded run step by step")
    explain.add_argument("file", metavar="TRACE.json", help="the run, or a counterexample")
    json_option(explain)
    return parser


def _of_machine(parser: argparse.ArgumentParser, names: Sequence[str]) -> None:
    parser.add_argument("machine", choices=names, help="whose table")


def _of_models(command: "Callable[[str, _Answer, str], argparse.ArgumentParser]") -> None:
    explorer = command("explore", _of_model, "visit every reachable state of a model")
    explorer.set_defaults(steps=False)
    models = explorer.add_subparsers(dest="model", required=True, metavar="MODEL")
    for name, kind in KINDS.items():
        about = (kind.make.__doc__ or "").replace("``", "")
        made = models.add_parser(name, help=about, description=about)
        model_options(made, kind)
        made.add_argument("--limit", type=int, metavar="N", help=f"of states ({DEFAULT_LIMIT:,})")
    said = "step through {}: what is where now, and what may happen; help lists the commands"
    pool = command("pool", _of_model, said.format("the process pool"))
    _step_options(pool, PROCESS_POOL)
    pool.set_defaults(model="process-pool", steps=True)
    stepper = command("step", _of_model, said.format("a model"))
    stepper.set_defaults(steps=True)
    models = stepper.add_subparsers(dest="model", required=True, metavar="MODEL")
    for name, kind in KINDS.items():
        about = (kind.make.__doc__ or "").replace("``", "")
        _step_options(models.add_parser(name, help=about, description=about), kind)


def _step_options(parser: argparse.ArgumentParser, kind: AnyKind) -> None:
    model_options(parser, kind)
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of what random takes (0)")
    parser.add_argument("--load", metavar="TRACE.json", help="begin at the end of a recorded run")


if __name__ == "__main__":
    sys.exit(main())
