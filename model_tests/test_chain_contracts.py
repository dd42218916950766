"""The induction on the process pool, the laws and their twins: each can fail."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from itertools import islice

import pytest

from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_actions import Cancel, Sleep
from foregone_spec.process_pool_state import ProcessPoolState
from model_tests import contract_induction_rows as rows
from model_tests import contract_laws, contract_rows, contract_wrong
from model_tests.chain import contracts
from model_tests.contract_defects import DEFECTS, Defect
from model_tests.contract_induction import Induction, first_break, known_states, violated, without
from model_tests.contract_states import domains, states
from model_tests.contract_strengthening import inductive, strengthening
from model_tests.process_pool_seeds import Seeds

#: As small as it gets: two calls would take too long for a test.
LEAST = replace(rows.ONE, closers=(), max_tasks=0, early_limit=1)


@cache
def known(model: ProcessPoolModel) -> Mapping[ProcessPoolState, None]:
    return known_states(model)


class TestStates:
    """Nothing is left out: the enumeration is compared with a plain one."""

    def test_no_claim_leaves_out_no_state(self) -> None:
        small = replace(LEAST, calls=0)
        count = 1
        for values in domains(small).values():
            count *= len(values)
        assert sum(1 for _ in states(small, ())) == count > 200

    def test_a_claim_leaves_out_what_it_refuses_and_that_alone(self) -> None:
        small = replace(LEAST, calls=0)
        claims = inductive(small)
        whole = [each for each in states(small, ()) if all(c(each) for c in claims.values())]
        assert list(states(small, tuple(claims.values()))) == whole

    def test_a_claim_that_reads_what_is_not_varied_is_refused(self) -> None:
        with pytest.raises(AssertionError, match="a claim reads one of"):
            list(states(LEAST, (lambda now: now.early == 0,)))

    def test_a_state_that_is_left_out_is_noticed(self) -> None:
        whole = dict(known(LEAST))
        assert rows.listed("", Induction(LEAST, whole, Counter(), {})).ok
        del whole[LEAST.initial()[0]]
        row = rows.listed("", Induction(LEAST, whole, Counter(), {}))
        assert (row.ok, "reached, and not enumerated" in row.details) == (False, True)


class TestInduction:
    def test_all_is_kept(self) -> None:
        row, found = rows.inducted("least", LEAST)
        assert (row.ok, found.broken) == (True, {})

    def test_a_step_that_breaks_a_claim_is_told_as_a_story(self) -> None:
        broken = without(rows.ONE, "StartedIsWatched")
        assert broken is not None
        assert isinstance(broken.action, Sleep)
        story = str(broken)
        assert story.startswith("Sleep() breaks WatchedSet\n")
        assert '    processes = <<"starting">>\n' in story
        assert story.endswith("  after it\n    awake = FALSE")

    def test_a_row_fails_when_a_claim_is_broken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        defect = next(each for each in DEFECTS if each.action is Cancel)
        defect.plant(Seeds(monkeypatch))
        row, _ = rows.inducted("least", LEAST)
        assert not row.ok
        assert "Cancel(work_id=1) breaks NothingLost" in row.details

    @pytest.mark.parametrize("defect", DEFECTS, ids=lambda each: each.story)
    def test_no_defect_is_there_unless_planted(self, defect: Defect) -> None:
        few = dict(islice(known(LEAST).items(), 200))
        assert first_break(LEAST, few, defect.action, defect.breaks) is None

    def test_each_defect_is_refuted_and_one_that_is_none_is_not(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        none = Defect("nothing is wrong", Cancel, "NothingLost", lambda _, after: after)
        assert rows.refutation(none, [(LEAST, known(LEAST))]) is None
        monkeypatch.setattr(rows, "DEFECTS", (*DEFECTS[:2], none))
        row = rows.refuted([(LEAST, known(LEAST))])
        assert not row.ok
        assert "Cancel: nothing is wrong: NothingLost holds" in row.details
        assert "Offer has no defect" in row.details

    def test_each_part_of_the_strengthening_is_needed(self) -> None:
        assert rows.needed().count == f"{len(strengthening(LEAST))} counterexamples"
        assert without(LEAST, "AtMostOnce") is None  # what the others say too

    def test_what_is_known_is_not_asked_again(self) -> None:
        first = next(iter(known(LEAST)))
        wrong = {"Never": lambda _: False}
        assert list(violated(wrong, first, first, {})) == ["Never"]
        assert list(violated(wrong, first, first, {first: None})) == []


class TestLaws:
    def test_each_function_has_a_contract_or_a_law(self) -> None:
        names = (*contracts.specified(), "model.tla_text")
        assert contract_rows.coverage(names).ok
        row = contract_rows.coverage(names[1:])
        assert row.details == f"{names[0]}: no contract, no law, no reason"

    def test_each_law_has_twins_and_each_is_noticed(self) -> None:
        own = {"models: what is enabled can be done, and no more"}
        own |= {"invariants: each tells states apart"}
        assert {*contract_wrong.WRONG} == {*contract_laws.LAWS} - own
        assert contract_wrong.unnoticed_by_laws() == []

    def test_a_twin_that_is_right_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        law = "values: printed as TLC prints them"
        ((module, name, _),) = contract_wrong.WRONG[law]
        monkeypatch.setattr(contract_wrong, "WRONG", {law: ((module, name, lambda each: each),)})
        (told,) = contract_wrong.unnoticed_by_laws()
        assert told == f"foregone_spec.model.tla_text is wrong, and the law holds: {law}"

    @pytest.mark.parametrize("small", contract_laws.SMALL, ids=lambda each: each.name)
    @pytest.mark.parametrize("method", ["enabled", "step", "variables"])
    def test_a_model_that_does_not_keep_its_word(
        self, small: contract_laws.AnyModel, method: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        right = getattr(type(small), method)
        wrong = {
            "enabled": lambda self, now: (*right(self, now), *right(self, now)[:1]),
            "step": lambda self, now, action: now,
            "variables": lambda self, now: dict(list(right(self, now).items())[:1]),
        }
        assert all(holds for _, holds in contract_laws.models_keep_their_word((small,)))
        monkeypatch.setattr(type(small), method, wrong[method])
        assert not all(holds for _, holds in contract_laws.models_keep_their_word((small,)))

    def test_each_wrong_step_leads_out_of_the_claims(self) -> None:
        model = replace(rows.ONE, early_limit=1)
        assert contract_wrong.unnoticed_by_induction([(model, known(model))]) == []
