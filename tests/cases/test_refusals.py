"""Why staff can't change a case: the text says what to do, and the code stays."""

from chalicelib.cases.refusals import CaseClaimed, CaseClosed, CaseFull, CaseNotFound, CaseNotYours, NoOpenCase
from tests.case_world import NOW


def test_each_refusal_has_its_code() -> None:
    errors = [CaseNotFound(), NoOpenCase(), CaseNotYours(), CaseClosed(), CaseFull(), CaseClaimed("Ana", NOW)]
    assert [error.code for error in errors] == [
        *("case_not_found", "no_open_case", "case_not_yours", "case_closed", "case_full", "case_claimed"),
    ]


def test_a_colleague_is_named_with_the_time() -> None:
    assert str(CaseClaimed("Ana", NOW)) == "Ana works on this case, since 2026-01-10T14:00:02Z."
