"""The samples behind the console's tests are what the API's description says: the console is tested on real shapes."""

import pytest

from tests.console.world import World
from tests.described import EXACT, validator

READS: list[tuple[str, str, dict[str, str]]] = [
    ("/staff/me", "me", {}),
    ("/staff/today", "today", {"period": "day"}),
    ("/staff/today", "today", {"period": "month"}),
    ("/staff/transactions", "transactions", {}),
    ("/staff/transactions/{transaction_id}", "transactions/card-88120", {}),
    ("/staff/accounts/{account}", "accounts/237-0041-8823", {}),
    ("/staff/holders", "holders", {"email": "paul.ndiaye@example.com"}),
    ("/staff/settings", "settings", {}),
    ("/staff/cases", "cases", {"state": "open"}),
    ("/staff/cases", "cases", {"state": "closed"}),
    ("/staff/cases/{case_id}", "cases/card-88120", {}),
    ("/staff/webhooks/attempts", "webhooks/attempts", {}),
    ("/staff/webhooks/{webhook_id}/body", "webhooks/msg_flagged-88120/body", {}),
    ("/staff/flags/precision", "flags/precision", {"from": "2026-06-01", "to": "2026-06-30"}),
    ("/staff/audit", "audit", {}),
    ("/staff/quota", "quota", {}),
]
DESCRIBED = [read for read in READS if "get" in EXACT["paths"].get(read[0], {})]


@pytest.mark.parametrize(("path", "asked", "query"), DESCRIBED, ids=str)
def test_a_sample_is_what_the_description_says(path: str, asked: str, query: dict[str, str]) -> None:
    answer = World().answer("adam", "GET", asked, query, None, {})
    assert answer.status == 200
    schema = EXACT["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert [
        f"{list(error.instance_path)}: {error.message}" for error in validator(schema).iter_errors(answer.body)
    ] == []


def test_the_sample_of_a_trial_is_what_the_description_says() -> None:
    answer = World().answer("adam", "POST", "flags/trial", {}, {"settings": {}, "days": 14}, {})
    assert answer.status == 200
    schema = EXACT["paths"]["/staff/flags/trial"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert [error.message for error in validator(schema).iter_errors(answer.body)] == []
    assert answer.body is not None
    for rule in answer.body["rules"].values():
        for counted in rule.values():
            kinds = sum(number for name, number in counted.items() if name != "flagged")
            assert kinds == counted["flagged"]
