"""What the local cloud adds to the emulator: e-mails' headers and tags, groups in refreshed tokens, large batches."""

import asyncio
import json
from typing import Any

from local_cloud.emulator import in_full, in_groups, listing, noting

PATH = "/v2/email/outbound-bulk-emails"
ENTRY = {
    "Destination": {"ToAddresses": ["awa@example.com"]},
    "ReplacementHeaders": [{"Name": "List-Unsubscribe", "Value": "<https://x>"}],
    "ReplacementTags": [{"Name": "bank", "Value": "eazycard"}],
}
NOTED = {"Headers": [["List-Unsubscribe", "<https://x>"]], "Tags": [["bank", "eazycard"]]}


def answering(status: int, body: Any) -> Any:
    async def handle(*_: Any) -> tuple[int, dict[str, str], bytes]:
        return status, {}, json.dumps(body).encode()

    return handle


def noted(entries: list[Any], results: list[Any], status: int = 200, path: str = PATH) -> dict[str, Any]:
    notes: dict[str, Any] = {}
    handle = noting(answering(status, {"BulkEmailEntryResults": results}), notes)
    sent = json.dumps({"BulkEmailEntries": entries}).encode()
    answer = asyncio.run(handle("POST", path, {}, sent, {}))
    assert (answer[0], json.loads(answer[2])) == (status, {"BulkEmailEntryResults": results})
    return notes


def test_headers_and_tags_of_accepted_e_mails_are_noted_by_their_ids() -> None:
    refused = {"Status": "MESSAGE_REJECTED"}
    assert noted([ENTRY, ENTRY, {}], [refused, {"MessageId": "m-2"}, {"MessageId": "m-3"}]) == {
        "m-2": NOTED,
        "m-3": {"Headers": [], "Tags": []},
    }


def test_nothing_is_noted_of_what_is_refused_or_no_e_mail() -> None:
    assert noted([ENTRY], [{"MessageId": "m-1"}], status=403) == {}
    assert noted([ENTRY], [{"MessageId": "m-1"}], path="/v2/email/identities") == {}


SENT = {
    ("000", "us-east-2", "entries"): [
        {
            "MessageId": f"m-{number}",
            "Source": "alerts@example.com",
            "To": [to],
            "CC": [],
            "BCC": [],
            "Subject": "{{subject}}",
            "RenderedSubject": "1 transaction",
            "RenderedBodyText": "text",
            "RenderedBodyHtml": "<p>",
            "Timestamp": 1.5,
            "Type": "SendBulkEmail",
            "MIMEType": "text/html",
        }
        for number, to in enumerate(["awa@example.com", "bea@example.com"], 1)
    ],
    ("000", "us-east-2", "others"): {},
}


def listed(query: dict[str, list[str]]) -> list[dict[str, Any]]:
    handle = listing(lambda: SENT, {"m-1": NOTED})
    status, _, body = asyncio.run(handle("GET", "/_ministack/ses/messages", {}, query))
    assert status == 200
    found: list[dict[str, Any]] = json.loads(body)["messages"]["000"]
    return found


def test_the_list_of_e_mails_has_what_was_rendered_and_what_was_noted() -> None:
    first, second = listed({})
    assert first == {
        "MessageId": "m-1",
        "Source": "alerts@example.com",
        "To": ["awa@example.com"],
        "CC": [],
        "BCC": [],
        "Subject": "1 transaction",
        "BodyText": "text",
        "BodyHtml": "<p>",
        "Timestamp": 1.5,
        "Type": "SendBulkEmail",
        **NOTED,
    }
    assert {**second, **NOTED} == {**first, "MessageId": "m-2", "To": ["bea@example.com"]}
    assert "Tags" not in second


def test_only_those_to_who_is_asked_for_are_listed() -> None:
    assert [one["MessageId"] for one in listed({"to": ["bea@"]})] == ["m-2"]
    assert listed({"to": ["@example.com"]}) == []


def test_what_is_no_list_of_e_mails_is_for_others() -> None:
    handle = listing(lambda: SENT, {})
    assert asyncio.run(handle("GET", "/elsewhere", {}, {})) is None
    assert asyncio.run(handle("POST", "/_ministack/ses/messages", {}, {})) is None


def test_a_token_that_is_refreshed_names_the_groups_of_its_user_and_any_other_is_made_as_before() -> None:
    def make(*arguments: Any, **options: Any) -> str:
        return json.dumps([arguments, options.get("groups")])

    pools = {"p1": {"_users": {"awa": {"_groups": ["admin"]}, "bea": {}}}}
    made = in_groups(make, pools.get)
    refreshed = {"trigger_source": "TokenGeneration_RefreshTokens"}
    named = [["s", "p1", "c", "id"], ["admin"]]
    assert json.loads(made("s", "p1", "c", "id", username="awa", **refreshed)) == named
    for pool, user in (("p1", "bea"), ("p1", "nobody"), ("p2", "awa")):
        assert json.loads(made("s", pool, "c", "id", username=user, **refreshed))[1] == []
    assert json.loads(made("s", "p1", "c", "id", username="awa"))[1] is None
    assert json.loads(made("s", "p1", "c", "id", "awa", {}, ["viewer"], **refreshed))[0][-1] == ["viewer"]


def test_a_batch_is_as_large_as_its_trigger_says_and_as_the_queue_has_messages() -> None:
    def receive_from(queue: list[int]) -> Any:
        def ten_at_most(_queue_url: str, wanted: int) -> list[int]:
            found, queue[:] = queue[: min(wanted, 10)], queue[min(wanted, 10) :]
            return found

        return in_full(ten_at_most)

    queue = list(range(130))
    receive = receive_from(queue)
    assert receive("url", 1) == [0]
    assert receive("url", 100) == list(range(1, 101))
    assert receive("url", 100) == list(range(101, 130))
    assert receive("url", 100) == []
