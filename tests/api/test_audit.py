"""What the API adds to the audit trail, for each write that isn't a transaction; and what happens when it can't."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.audit.entry import Entry
from chalicelib.audit.repository import AuditRepository
from chalicelib.banks.bank import short_hash
from tests.app_bench import HOLDER, KEY, NOW, Bench, problem
from tests.fakes import refusal
from tests.visitor import Visitor

AT = "/accounts/A123/holders/h1"


def entries(bench: Bench, bank: str = "eazycard") -> list[Entry]:
    found = AuditRepository(bench.dynamodb, "AuditTable", 10).of_bank(bank, NOW, NOW + timedelta(days=1))
    return sorted(found, key=lambda entry: entry.at)


def noted(bench: Bench) -> list[tuple[str, tuple[str, ...]]]:
    return [(entry.action, entry.fields) for entry in entries(bench)]


def test_every_write_that_is_no_transaction_has_an_entry_with_the_names_of_what_it_changes(bench: Bench) -> None:
    body = {"name": "Awa B.", "email": "b@example.com", "preferences": {"muted": True}}
    for method, path, sent in (
        ("PUT", AT, HOLDER),
        ("PUT", AT, body),
        ("PATCH", AT, {"locale": "en"}),
        ("DELETE", AT, None),
        ("PUT", "/settings", {"digest_after": 30}),
        ("PATCH", "/settings", {"flags": {"velocity": {"count": 9}}}),
    ):
        bench.now += timedelta(minutes=1)
        assert bench.request(method, path, sent).status_code < 300
    assert noted(bench) == [
        ("holder.put", ("email", "locale", "name", "timezone")),
        ("holder.put", ("email", "name", "preferences.muted")),
        ("holder.patch", ("locale",)),
        ("holder.delete", ()),
        ("settings.put", ("digest_after",)),
        ("settings.patch", ("flags.velocity",)),
    ]
    assert {(entry.author.kind, entry.author.id) for entry in entries(bench)} == {("api_key", short_hash(KEY))}
    assert len({entry.subject for entry in entries(bench)[:4]}) == 1
    assert not entries(bench, "other-bank")
    stored = repr(bench.dynamodb.scan(TableName="AuditTable")["Items"])
    for secret in (KEY, "Awa", "example.com", "h1", "A123"):
        assert secret not in stored


def test_an_entry_has_the_id_that_the_answer_has(bench: Bench) -> None:
    answer = bench.put_holder()
    (entry,) = entries(bench)
    assert entry.author.request_id == answer.headers["x-request-id"]
    assert entry.author.source_ip == "127.0.0.1"


def test_reads_transactions_and_refused_writes_have_no_entry(bench: Bench) -> None:
    bench.record("1")
    bench.get("/settings")
    problem(bench.put_holder(if_match='"another"'), 412, "precondition_failed")
    problem(bench.put_holder(body={}), 400, "validation_failed")
    problem(bench.request("DELETE", AT), 404, "holder_not_found")
    assert noted(bench) == []


def test_a_holder_s_choice_has_an_entry_by_the_holder_of_the_link(bench: Bench) -> None:
    awa = Visitor(bench)
    (by_bank,) = entries(bench)
    bench.now += timedelta(minutes=1)
    for _ in range(2):
        awa.post("List-Unsubscribe=One-Click", awa.unsubscribe_path)
    (_, by_holder) = entries(bench)
    assert (by_holder.action, by_holder.fields) == ("preferences.choose", ("preferences.muted",))
    assert (by_holder.author.kind, by_holder.author.id) == ("holder", by_bank.subject)
    assert by_holder.subject == by_bank.subject


class NoTrail:
    """A DynamoDB whose audit table takes nothing."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        def operation(**arguments: Any) -> Any:
            if arguments.get("TableName") == "AuditTable":
                raise refusal("ThrottlingException", name)
            return getattr(self._client, name)(**arguments)

        return operation


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", AT, {**HOLDER, "name": "Another"}),
        ("PATCH", AT, {"name": "Another"}),
        ("DELETE", AT, None),
        ("DELETE", f"{AT}/suppression", None),
        ("PUT", "/settings", {"digest_after": 30}),
        ("PATCH", "/settings", {"digest_after": 30}),
    ],
)
def test_a_write_whose_entry_can_not_be_stored_is_answered_503_and_changes_nothing(
    bench: Bench, method: str, path: str, body: Any
) -> None:
    bench.put_holder()
    before = [bench.get(one).json_body for one in (AT, "/settings")]
    bench.restart(dynamodb=NoTrail(bench.dynamodb))
    problem(bench.request(method, path, body), 503, "temporarily_unavailable")
    assert [bench.get(one).json_body for one in (AT, "/settings")] == before


def test_transactions_are_recorded_while_the_trail_takes_nothing(bench: Bench) -> None:
    bench.restart(dynamodb=NoTrail(bench.dynamodb))
    bench.record("1")
