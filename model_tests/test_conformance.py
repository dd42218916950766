"""The conformance kit convicts who is guilty, of what he is guilty of, and nobody else.

``make conformance`` asks all claims of ours and of each faulty executor; here each faulty one
is asked its own claim, and ours the claims that need no luck.
"""

import inspect
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from foregone import Future, ThreadPoolExecutor
from foregone_conformance import report_html
from foregone_conformance.__main__ import main
from foregone_conformance.adapters import KNOWN
from foregone_conformance.catalogue import CLAIMS, by_id, chosen
from foregone_conformance.claims import Group, Verdict
from foregone_conformance.exhibits.future import until
from foregone_conformance.histories import Begins, Call, Event, Returns
from foregone_conformance.judge import Result, Setting, Subject, tried
from foregone_conformance.judged import Judged, load
from foregone_conformance.kinds import BadFactory, Kind, NotApplicable
from foregone_conformance.linearizable import unexplained
from foregone_conformance.museum import SCRIPTS, WORDS
from foregone_conformance.museum_rooms import ROOMS
from foregone_conformance.report import Report, as_json, escaped, fenced, line, markdown
from foregone_conformance.session import Family, Idleness, lives
from model_tests.conformance.check import (
    NO_FAULT,
    OURS,
    PLAIN,
    address,
    guilty,
    innocent,
    kind,
    own_claim,
)
from model_tests.conformance.faults import FAULTS, Telling
from model_tests.conformance.faults_documented import DOCUMENTED
from model_tests.conformance.faults_semantics import SEMANTICS
from model_tests.conformance.faults_subtle import SUBTLE
from model_tests.museum.data import EXHIBITS

#: A hang is one after so many seconds here; a claim that is kept takes as long as it takes.
QUICK: Final = 3.0
AT_ONCE: Final = 8
PARTS: Final = 3
#: They start many processes, for which a busy machine needs time; the watchdog comes later.
LONG: Final = pytest.mark.timeout(140)
#: Rows of the semantics table, and what is seen of who breaks them.
ROWS: Final = {
    "future-triples": "are (False, False, True)",
    "future-result-once": "in FINISHED gave None",
    "set-exception-odd": "returned 'text'",
    "cancelled-error": "are (True, True, False)",
    "stop-iteration": "ended with [0, 1, 2]",
    "callback-order": "['one', 'two', 'end']",
    "timeout-nan": "raised TimeoutError",
    "waiting-abandoned": "more objects",
    "wait-any-order": "in opposite orders",
    "map-stops": "ran all the same",
    "map-timeout-clock": "once more",
    "with-raises": "did not come out",
    "max-tasks-values": "=0 was accepted",
}
SLOW: Final = "NeverBlockedUnderALock"  # ours is asked; this one takes long for nothing
PLUGIN: Final = "foregone_conformance.pytest_plugin"
#: Rooms of the museum in which something happens while submit starts a thread.
OF_STARTING: Final = ("M13s", "M13g", "M14", "H17")
#: The museum's twelve, by the claims that ask for them.
TWELVE: Final = (
    "NothingLost", "CancelledMeansTold", "AcceptanceIsAtomic", "NoForeignCodeUnderALock",
    "TheWorkerSurvives", "Capacity", "WatchedSet", "RequestsAreMonotone",
    "NeverBlockedUnderALock", "Containment", "YieldsAllOrRaises", "FuturesEndOnce",
)  # fmt: skip


def asked(name: str, of: Kind, claim: str) -> Result:
    return tried(Setting(name, of, patience=QUICK), by_id(claim))


# ------------------------------------------------------------------ who is convicted


def all_asked(cases: Sequence[tuple[str, Kind, str]]) -> list[Result]:
    """Try many, some at a time: those that hang wait together."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [*pool.map(lambda case: asked(*case), cases)]


@LONG
@pytest.mark.parametrize("part", range(PARTS))
def test_each_faulty_executor_is_convicted_of_its_own_claim(part: int) -> None:
    claims = [*FAULTS][part::PARTS]
    results = all_asked([(address(claim), kind(claim), claim) for claim in claims])
    assert len(results) == len(claims) > 5
    free = [FAULTS[each.claim.id].__name__ for each in results if not is_conviction(each)]
    assert not free


@LONG
@pytest.mark.parametrize("claim", ["bare-future", "owned-future", "callback-raises"])
def test_who_breaks_another_promise_is_convicted_of_it(claim: str) -> None:
    """``make conformance`` tries all of them."""
    assert is_conviction(own_claim(1, claim))


@LONG
def test_who_breaks_a_row_of_the_table_is_convicted_of_it() -> None:
    """Some of each module; ``make conformance`` tries all of them."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = [*pool.map(partial(own_claim, 1), ROWS)]
    assert not [each for each in results if not is_conviction(each)]
    assert all(words in each.seen for each, words in zip(results, ROWS.values(), strict=True))


@LONG
def test_who_errs_once_in_a_while_is_convicted() -> None:
    results = all_asked(
        [(f"{each.__module__}:{each.__name__}", Kind.THREAD, own) for own, each in SUBTLE.items()]
    )
    assert not [each for each in results if not is_conviction(each)]
    seen = {each.claim.id: each.seen for each in results}
    assert "20 ran" in seen["CancelledNeverRuns"]
    assert "callback of its last call runs" in seen["ShutdownMeansEnded"]
    assert "ran 2 times" in seen["EachCallbackOnce"]
    assert "had read 64 of 300" in seen["map-eager"]


def is_conviction(result: Result) -> bool:
    return result.verdict is Verdict.BROKEN and bool(result.seen)


@LONG
@pytest.mark.parametrize("part", range(PARTS))
def test_the_executor_without_a_fault_is_convicted_of_none_of_them(part: int) -> None:
    """So it is the fault that convicts, and nothing else of that executor."""
    claims = [each for each in FAULTS if kind(each) is Kind.THREAD and each != SLOW][part::PARTS]
    results = all_asked([(PLAIN, Kind.THREAD, claim) for claim in claims])
    assert not [each for each in results if each.verdict is not Verdict.KEPT]


@LONG
@pytest.mark.parametrize("group", [Group.DOCUMENTED, Group.SEMANTICS, Group.LINEARIZABLE])
@pytest.mark.parametrize("name", OURS)
def test_ours_is_convicted_of_nothing(name: str, group: Group) -> None:
    row = innocent(Setting(name, OURS[name]), [group.value])
    assert row.ok, row.details


def test_a_pool_that_starts_its_threads_at_once_has_no_bug_of_starting_them() -> None:
    """Nothing comes in between a submit and the start of a thread that does not start there."""
    results = all_asked([(PLAIN, Kind.THREAD, claim) for claim in OF_STARTING])
    assert not [each for each in results if each.verdict is not Verdict.NOT_APPLICABLE]


def test_each_of_the_twelve_has_a_claim_and_a_fault() -> None:
    numbered = {
        int(found[1]): each.id
        for each in CLAIMS
        if (found := re.match(r"\[(\d+)\]", each.title)) and each.id in TWELVE
    }
    assert [numbered[number] for number in range(1, 13)] == [*TWELVE]
    invariants = {each.id for each in CLAIMS if each.group is Group.INVARIANT}
    assert {*FAULTS} == invariants
    others = {each.id for each in CLAIMS if each.group in (Group.DOCUMENTED, Group.LINEARIZABLE)}
    assert {*DOCUMENTED} == others  # make conformance tries them
    assert {*SEMANTICS} == {each.id for each in CLAIMS if each.group is Group.SEMANTICS}


def test_who_has_no_fault_is_forgiven_what_others_are_convicted_of() -> None:
    """So a claim that convicts each executor is no fault's own claim."""
    forgiven = {claim for claims in NO_FAULT.values() for claim in claims}
    assert forgiven <= {*SEMANTICS}
    assert len(forgiven) < 6


def test_a_verdict_on_who_is_not_guilty_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows of ``make conformance`` can fail, both ways."""
    found = Result(by_id("AtMostOnce"), Verdict.BROKEN, "call 1 began 2 times", 0.1)
    monkeypatch.setattr("model_tests.conformance.check.judge", lambda *_: iter([found]))
    row = innocent(Setting(PLAIN, Kind.THREAD), [])
    assert not row.ok
    assert "call 1 began 2 times" in row.details
    assert not guilty("NothingLost", 1).ok
    assert guilty("AtMostOnce", 1).ok


# -------------------------------------------------------------------------- the judge


def test_a_hang_is_told_with_its_stacks_and_what_was_waited_for() -> None:
    result = asked("standard-thread", Kind.THREAD, "M8")
    assert result.verdict is Verdict.BROKEN
    assert "it hung" in result.seen
    assert "m8_state_error" in result.seen
    assert "m8_state_error" in result.stacks


def test_who_goes_on_when_he_is_ended_has_hung(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the one that it waits for would let the claim be kept."""
    body = (
        "    import os, signal\n"
        "    from foregone import ThreadPoolExecutor\n"
        "    child = os.fork()\n"
        "    if not child: [signal.pause() for _ in iter(int, 1)]\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "    os.waitpid(child, 0)\n"
        "    return ThreadPoolExecutor(max_workers)"
    )
    written(tmp_path, monkeypatch, "waiting", body)
    setting = Setting("waiting:factory", Kind.THREAD, patience=QUICK)
    result = tried(setting, by_id("submit-result"))
    assert result.verdict is Verdict.BROKEN
    assert "it hung" in result.seen


def test_who_spins_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, monkeypatch, "spins", "    while True: pass")
    setting = Setting("spins:factory", Kind.THREAD, patience=QUICK, limit=4.0)
    result = tried(setting, by_id("submit-result"))
    assert result.verdict is Verdict.BROKEN
    assert "had not ended after 4 s" in result.seen


def test_a_process_that_is_killed_is_no_kept_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, monkeypatch, "killing", "    import os; os.kill(os.getpid(), 9)")
    result = tried(Setting("killing:factory", Kind.THREAD), by_id("submit-result"))
    assert result.verdict is Verdict.BROKEN
    assert "killed by signal 9" in result.seen


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a process that left the session and ignores SIGTERM, nor a folder."""
    body = (
        "    import os, signal, tempfile\n"
        f"    open({str(tmp_path / 'place')!r}, 'w').write(tempfile.gettempdir())\n"
        "    if not os.fork():\n"
        "        os.setsid(); signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"        open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
        "        while True: signal.pause()\n"
        f"    while not os.path.exists({str(tmp_path / 'pid')!r}): pass\n"
        "    raise ValueError('on purpose')"
    )
    written(tmp_path, monkeypatch, "leaving", body)
    result = tried(Setting("leaving:factory", Kind.THREAD), by_id("submit-result"))
    assert "ValueError: on purpose" in result.seen
    pid = int((tmp_path / "pid").read_text() or 0)
    assert pid
    assert not lives(pid)
    assert not os.path.exists((tmp_path / "place").read_text())


def test_who_has_left_everything_is_ended_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A grandchild in a session of its own, without the environment, whose parent has ended."""
    program = f"import os, signal; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))"
    orphan = f"{program}; [signal.pause() for _ in iter(int, 1)]"
    start = (
        f"subprocess.Popen([sys.executable, '-c', {orphan!r}], env={{}}, start_new_session=True)"
    )
    body = (
        "    import os, subprocess, sys\n"
        f"    subprocess.run([sys.executable, '-c', {f'import subprocess, sys; {start}'!r}])\n"
        f"    while not os.path.exists({str(tmp_path / 'pid')!r}): pass\n"
        f"    while not open({str(tmp_path / 'pid')!r}).read(): pass\n"
        "    raise ValueError('on purpose')"
    )
    written(tmp_path, monkeypatch, "orphaned", body)
    result = tried(Setting("orphaned:factory", Kind.THREAD), by_id("submit-result"))
    assert "ValueError: on purpose" in result.seen
    pid = int((tmp_path / "pid").read_text())
    left = lives(pid)
    if left:
        os.kill(pid, signal.SIGKILL)
    assert not left


def test_who_has_left_the_session_and_is_busy_is_not_idle() -> None:
    spins = [sys.executable, "-c", "while True: pass"]
    with subprocess.Popen(spins, start_new_session=True) as busy:
        try:
            family = Family(os.getpid())
            assert busy.pid in family.living()
            idle = Idleness(family, 0.15)
            idle.seconds()
            before = spent(busy.pid)
            until(lambda: spent(busy.pid) > before + 0.3)
            assert idle.seconds() == 0.0
        finally:
            busy.kill()


def spent(pid: int) -> float:
    """Return how many seconds a process has run."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


@pytest.mark.parametrize("text", ["no json", "[]", '{"verdict": "innocent", "seen": ""}', "{}"])
def test_an_answer_that_is_none_is_no_verdict(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is judged can write into the folder of its claim."""
    body = (
        "    import os, tempfile\n"
        f"    open(os.path.join(tempfile.gettempdir(), 'result.json'), 'w').write({text!r})\n"
        "    os._exit(0)"
    )
    written(tmp_path, monkeypatch, "forging", body)
    result = tried(Setting("forging:factory", Kind.THREAD), by_id("submit-result"))
    assert result.verdict is Verdict.BROKEN
    assert "ended with exit code 0" in result.seen


def test_what_would_command_a_terminal_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, monkeypatch, "colourful", "    raise ValueError('\\x1b[31mred\\x07')")
    result = tried(Setting("colourful:factory", Kind.THREAD), by_id("submit-result"))
    assert "ValueError: \\x1b[31mred\\x07" in result.seen


def test_what_was_written_before_the_end_is_cut_and_commands_no_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "    import os; os.write(1, b'\\x1b[31m' + 10**6 * b'line\\n'); os._exit(3)"
    written(tmp_path, monkeypatch, "loud", body)
    result = tried(Setting("loud:factory", Kind.THREAD), by_id("submit-result"))
    assert "exit code 3" in result.seen
    assert result.stacks.startswith("\\x1b[31mline\nline\n")
    assert len(result.stacks) < 1000
    assert "more lines" in result.stacks


def test_what_is_waited_for_commands_no_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of a future may stand there, which is the library's own."""
    body = (
        "    import os, tempfile\n"
        "    open(os.path.join(tempfile.gettempdir(), 'doing'), 'w').write('\\x1b[31m')\n"
        "    os._exit(3)"
    )
    written(tmp_path, monkeypatch, "named", body)
    result = tried(Setting("named:factory", Kind.THREAD), by_id("submit-result"))
    assert result.seen.endswith(", \\x1b[31m")


def test_who_makes_no_executor_for_one_claim_is_judged_by_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "    from foregone import ThreadPoolExecutor as pool\n"
    body += "    return pool(max_workers) if max_workers != 3 else 5"
    written(tmp_path, monkeypatch, "moody", body)
    code, out, err = said("moody:factory", "--only", "submit-result", "--only", "wait-conditions")
    assert (code, err) == (1, "")
    assert "made 5, which has no submit" in out
    assert "2 claims: 1 kept, 1 broken" in out


def test_an_error_in_shutdown_is_no_argument_that_it_does_not_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "failing.py").write_text(
        "from model_tests.conformance.plain import Plain\n"
        "class Fails(Plain):\n"
        "    def request(self, cancel_futures):\n"
        "        if cancel_futures: iter(None)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for claim in ("shutdown-cancels", "RequestsAreMonotone"):
        result = asked("failing:Fails", Kind.THREAD, claim)
        assert result.verdict is Verdict.BROKEN
        assert "'NoneType' object is not iterable" in result.seen


@pytest.mark.parametrize(
    "body",
    [
        "os.closerange(0, 100)",
        "os.chdir('/')",
        "os.write(1, b'x' * 10**6)",
        "assert not sys.stdin.read()",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    ],
)
def test_what_a_factory_does_to_its_process_is_no_fault(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "    import os, signal, sys\n"
        "    from concurrent.futures import ThreadPoolExecutor\n"
        f"    {body}\n"
        "    return ThreadPoolExecutor(max_workers)"
    )
    written(tmp_path, monkeypatch, "rough", text)
    result = tried(Setting("rough:factory", Kind.THREAD), by_id("submit-result"))
    assert result.verdict is Verdict.KEPT, result.seen


def written(place: Path, monkeypatch: pytest.MonkeyPatch, name: str, body: str) -> None:
    (place / f"{name}.py").write_text(f"def factory(max_workers):\n{body}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(place)


@pytest.fixture
def _heeds_ctrl_c() -> Iterator[None]:
    """Undo what a shell does to what runs in the background: a program inherits it."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


def hanging(place: Path) -> "subprocess.Popen[str]":
    """Return a judge in another process, who tries a claim that hangs."""
    claim = ("standard-thread", "--only", "M8", "--patience", "1000", "--limit", "1000")
    process = subprocess.Popen(
        [sys.executable, "-m", "foregone_conformance", *claim],
        env={**os.environ, "TMPDIR": str(place)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def hangs() -> bool:
        return any("m8" in told(each) for each in place.glob("conformance-*/doing"))

    until(lambda: hangs() or process.poll() is not None)
    return process


@pytest.mark.usefixtures("_heeds_ctrl_c")
def test_ctrl_c_ends_what_is_being_tried(tmp_path: Path) -> None:
    """The folder of a claim is gone when the program is, and who hangs in it."""
    with hanging(tmp_path) as process:
        process.send_signal(signal.SIGINT)
        _, erred = process.communicate()
    assert process.returncode == 130
    assert "interrupted" in erred
    assert not [*tmp_path.glob("conformance-*")]


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells nobody else")
def test_who_hangs_does_not_outlive_a_judge_that_is_killed(tmp_path: Path) -> None:
    with hanging(tmp_path) as process:
        threads = Path(f"/proc/{process.pid}/task").glob("*/children")
        tried_ones = [int(pid) for each in threads for pid in told(each).split()]
        assert [*map(lives, tried_ones)] == [True]
        process.kill()
    until(lambda: not any(map(lives, tried_ones)))


def told(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def test_who_is_busy_is_not_idle() -> None:
    idle = Idleness(Family(os.getsid(0)), 0.15)
    assert idle.seconds() == 0.0
    busy = sum(each for each in range(3_000_000))
    assert busy
    assert idle.seconds() == 0.0


def test_where_nobody_tells_nobody_is_idle() -> None:
    assert Idleness(Family(2**22 + 1), 0.15).seconds() == 0.0


# ---------------------------------------------------------------------------- claims


def test_ids_are_unique_and_each_claim_is_told() -> None:
    assert len({each.id for each in CLAIMS}) == len(CLAIMS) > 100
    for each in CLAIMS:
        assert each.title
        assert each.means
        assert each.source.startswith(("https://", "foregone_spec", "the museum", "no report"))
        assert each.kinds


def test_the_named_invariants_are_there() -> None:
    from foregone_spec import invariants, process_pool_invariants

    for each in CLAIMS:
        found = re.fullmatch(r"foregone_spec\.(\w+)\.(\w+)(?::.*)?", each.source)
        if found and each.group is Group.INVARIANT and found[1] != "lifecycle":
            module = {"invariants": invariants, "process_pool_invariants": process_pool_invariants}
            assert hasattr(module[found[1]], found[2]), each.source


def test_the_rooms_are_the_museums() -> None:
    ours = [(each.id, each.script, each.title, each.link) for each in ROOMS]
    assert ours == [(each.id, each.script, each.title, each.link) for each in EXHIBITS]


def test_each_word_of_an_exhibit_is_told() -> None:
    """What a script raises is one word; a report says what it stands for."""
    raised = {
        found
        for module in SCRIPTS
        for found in re.findall(r'DefectError\("(\w+)"\)', inspect.getsource(module))
    }
    assert {*WORDS} == raised


def test_what_is_asked_of_whom() -> None:
    threads, processes = chosen(Kind.THREAD), chosen(Kind.PROCESS)
    assert {each.id for each in (*threads, *processes)} == {each.id for each in CLAIMS}
    assert "M3" not in {each.id for each in threads}
    assert [each.id for each in chosen(Kind.THREAD, ["M4"])] == ["M4"]
    assert {each.group for each in chosen(Kind.THREAD, [], ["museum"])} == {Group.MUSEUM}
    with pytest.raises(BadFactory, match="no claim 'M99'"):
        chosen(Kind.THREAD, ["M99"])
    with pytest.raises(BadFactory, match="not asked of a thread"):
        chosen(Kind.THREAD, ["M3"])


def test_a_history_of_two_who_both_cancel_alone_is_not_explained() -> None:
    start, ends = Call(9, 0, "start"), Call(9, 1, "set_result")
    cancel, done = Call(0, 0, "cancel"), Call(0, 1, "done")
    fine: list[Event] = [
        Begins(cancel),
        Returns(cancel, "True"),
        Begins(done),
        Returns(done, "True"),
    ]
    assert not unexplained(fine, start, ends, cancelled=True)
    odd = [*fine[:3], Returns(done, "False")]
    assert unexplained(odd, start, ends, cancelled=True)
    assert not unexplained([], start, ends, cancelled=False)
    assert unexplained(fine[:2], start, ends, cancelled=False)


# ------------------------------------------------------------------------- addresses


def test_a_future_of_its_own_is_the_one_that_is_judged(tmp_path: Path) -> None:
    """Not the standard one that it is derived from, whose ``wait`` serves it."""
    home = "model_tests.conformance.faults_semantics:OfTelling"
    assert type(Judged(home, Kind.THREAD, 1, str(tmp_path)).future()) is Telling
    ours = Judged("foregone:ThreadPoolExecutor", Kind.THREAD, 1, str(tmp_path))
    assert type(ours.future()) is Future


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("thread", "no address"),
        ("foregone", "no address"),
        ("foregone:", "no address"),
        ("no_such_module:x", "cannot be imported"),
        ("foregone:NoSuchPool", "has no 'NoSuchPool'"),
        ("foregone:__version__", "name what can be called"),
    ],
)
def test_a_bad_address_is_told(name: str, words: str) -> None:
    with pytest.raises(BadFactory, match=words):
        load(name)


def test_an_address_leads_into_a_class() -> None:
    assert load("collections:OrderedDict.fromkeys") == OrderedDict.fromkeys
    assert all(each.address.count(":") == 1 for each in KNOWN.values())


def test_an_argument_that_is_not_taken_is_not_applicable(tmp_path: Path) -> None:
    judged = Judged("foregone:ThreadPoolExecutor", Kind.THREAD, 1, str(tmp_path))
    with pytest.raises(NotApplicable, match="takes no mp_context"):
        judged.pool(1, mp_context=None)
    with pytest.raises(ValueError, match="max_workers"):
        judged.pool(0)
    assert judged.library().__name__ == "foregone"
    with judged.pool_by("spawn", 1) as pool:
        assert pool.submit(int).result() == 0


def said(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(arguments)
    return code, out.getvalue(), err.getvalue()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "what is to be judged"),
        (("no_such:x",), "cannot be imported"),
        (("builtins:dict",), "which has no submit"),
        (("standard-thread", "--only", "M99"), "no claim 'M99'"),
        (("standard-thread", "--jobs", "0"), "no number from 1 on"),
        (("standard-thread", "--jobs", "x"), "x is no number from 1 on"),
        (("standard-thread", "--patience", "inf"), "no number above 0"),
        (("standard-thread", "--patience", "x"), "x is no number above 0"),
        (("standard-thread", "--json", "."), "'.' is a folder: name a file in it"),
        (("standard-thread", "--html", "no/such/folder.html"), "no folder for"),
        (("standard-thread", "--json", "/"), "is a folder"),
        (("standard-thread", "--only", "M14", "--group", "semantics"), "leave out one of them"),
        (("standard-thread", "--what"), "unrecognized arguments"),
    ],
)
def test_a_question_that_cannot_be_answered_is_told(arguments: tuple[str, ...], words: str) -> None:
    code, out, err = said(*arguments)
    assert (code, out) == (2, "")
    assert words in err


def test_a_report_that_cannot_be_written_is_told() -> None:
    name = "/dev/full"
    code, out, err = said("foregone-thread", "--only", "submit-result", "--json", name)
    assert code == 2
    assert "1 claim: 1 kept" in out
    assert err.endswith(f"'{name}' cannot be written: No space left on device: name another\n")


def test_each_executor_that_is_known_is_told_from_what_it_is() -> None:
    out = said("--help")[1]
    for name, each in KNOWN.items():
        assert re.search(rf"^  {name} +{re.escape(each.what)}$", out, re.MULTILINE)


def test_a_factory_that_raises_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, monkeypatch, "raising", "    raise OSError('no room')")
    code, _, err = said("raising:factory")
    assert code == 2
    assert "OSError: no room" in err
    assert "factory(max_workers=1)" in err


# --------------------------------------------------------------------------- reports


def test_a_run_is_told_in_each_form(tmp_path: Path) -> None:
    files = {each: tmp_path / f"report.{each}" for each in ("markdown", "json", "html")}
    options = [part for each, path in files.items() for part in (f"--{each}", str(path))]
    claims = ("submit-result", "M14", "map-buffersize")
    only = [part for each in claims for part in ("--only", each)]
    code, out, err = said("standard-thread", *only, "--seed", "7", *options)
    assert (code, err) == (1, "")
    assert re.search(r"^kept +submit-result: ", out, re.MULTILINE)
    assert re.search(r"^BROKEN +M14: ", out, re.MULTILINE)
    assert "replay: foregone-conformance standard-thread --thread --only M14 --seed 7" in out
    if sys.version_info < (3, 14):
        assert re.search(r"^n/a +map-buffersize: ", out, re.MULTILINE)
        assert "3 claims: 1 kept, 1 broken, 1 not applicable" in out
    told = json.loads(files["json"].read_text())
    assert [each["verdict"] for each in told["claims"]][:2] == ["kept", "not applicable"]
    assert told["python"] == ".".join(map(str, sys.version_info[:3]))
    assert told["package"] == "CPython"
    assert "| M14 | free of: " in files["markdown"].read_text()
    page = files["html"].read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert not re.search(r"""(?:src|href)=""", page)


def test_who_keeps_all_ends_with_0() -> None:
    code, out, _ = said("foregone-thread", "--only", "submit-result", "--quiet")
    assert code == 0
    assert "1 claim: 1 kept" in out
    assert "kept  " not in out


def test_what_was_seen_is_printed_where_there_are_few_letters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "    from foregone import ThreadPoolExecutor as pool\n"
    body += "    if max_workers == 3: raise ValueError('\\u03b1')\n"
    written(tmp_path, monkeypatch, "greek", body + "    return pool(max_workers)")
    kit = [sys.executable, "-m", "foregone_conformance", "greek:factory"]
    done = subprocess.run(
        [*kit, "--only", "wait-conditions"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "ValueError: \\u03b1" in done.stdout


def test_a_replay_has_the_limits_of_the_run() -> None:
    setting = Setting("x:y z", Kind.THREAD, patience=2.5, limit=7)
    wanted = "'x:y z' --thread --only M14 --seed 1 --patience 2.5 --limit 7"
    assert setting.replay("M14") == f"foregone-conformance {wanted}"
    assert "--patience" not in Setting("x:y", Kind.THREAD).replay("M14")


def odd_report() -> Report:
    subject = Subject("<i>|`odd`", Kind.THREAD, "C", "F", "w", "<p>", "1", "3")
    seen = "</pre><script>alert(1)</script> | ``` **x**"
    result = Result(by_id("M14"), Verdict.BROKEN, seen, 1.0, "<stack> ```` here")
    skipped = Result(by_id("M4"), Verdict.NOT_APPLICABLE, "<reason> | *why*", 1.0)
    setting = Setting("<i>|`odd`", Kind.THREAD)
    return Report(subject, setting, [result, skipped], 2.0, "2026-11-28")


def test_what_was_seen_is_no_markup() -> None:
    page = report_html.html(odd_report())
    for bad in ("<script", "<i>", "<p>&lt;p", "<stack>", "<reason>"):
        assert bad not in page
    assert "&lt;script&gt;alert(1)" in page
    text = markdown(odd_report())
    assert "\\<i\\>\\|\\`odd\\`" in text
    assert "````text\n</pre>" in text
    assert "`````text\n<stack>" in text
    assert json.loads(as_json(odd_report()))["claims"][0]["seen"].startswith("</pre>")
    assert escaped("a\nb") == "a b"
    assert fenced("x") == "```text\nx\n```"


def test_a_long_text_is_cut() -> None:
    report = odd_report()
    many = replace(report.results[0], seen="\n".join(f"line {each}" for each in range(9)))
    shown = line(many, report.setting)
    assert "line 3" in shown
    assert "... 5 more lines" in shown
    assert "line 4" not in shown


def test_list_names_all_claims() -> None:
    code, out, _ = said("--list")
    assert code == 0
    assert len(out.splitlines()) == len(CLAIMS)


# ---------------------------------------------------------------------------- pytest


def of_pytest(place: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run pytest, where the plugin is registered only with what is installed now."""
    plugin = () if PLUGIN in installed() else ("-p", PLUGIN)
    return subprocess.run(
        [sys.executable, "-m", "pytest", *plugin, "-p", "no:cacheprovider", "-rA", *arguments],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_claim_is_a_test(tmp_path: Path) -> None:
    chosen_ones = ("-k", "submit-result or M14 or map-buffersize")
    done = of_pytest(tmp_path, "--conformance", "standard-thread", *chosen_ones)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"FAILED .*standard-thread::M14", done.stdout)
    assert re.search(r"PASSED .*standard-thread::submit-result", done.stdout)
    assert "replay: foregone-conformance standard-thread --thread --only M14" in done.stdout
    assert "in runtest" not in done.stdout


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_bad_address_is_a_usage_error_of_pytest(tmp_path: Path, processes: str) -> None:
    done = of_pytest(tmp_path, "--conformance", "no_such:x", "-n", processes)
    assert done.returncode == 4
    assert "cannot be imported" in done.stdout + done.stderr


def test_a_factory_that_spins_is_a_usage_error_of_pytest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit that was given is that of the first call, too."""
    written(tmp_path, monkeypatch, "spinning", "    while True: pass")
    done = of_pytest(tmp_path, "--conformance", "spinning:factory", "--conformance-limit", "2")
    assert done.returncode == 4
    assert "in its first call it had not ended after 2 s" in done.stdout + done.stderr


@pytest.mark.parametrize("option", ["patience", "limit"])
def test_no_time_is_a_usage_error_of_pytest(tmp_path: Path, option: str) -> None:
    done = of_pytest(tmp_path, "--conformance", "no_such:x", f"--conformance-{option}", "nan")
    assert done.returncode == 4
    assert "nan is no number above 0" in done.stdout + done.stderr


def test_the_plugin_costs_who_does_not_ask_nothing() -> None:
    """Pytest imports it each time."""
    code = f"import sys, {PLUGIN}; print([each for each in sys.modules if 'foregone' in each])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(["foregone_conformance", PLUGIN])


def installed() -> set[str]:
    from importlib import metadata

    return {each.value for each in metadata.entry_points(group="pytest11")}
