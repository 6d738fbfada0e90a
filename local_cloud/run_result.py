"""The result of `make run`: whether all went as expected, and the lines that it prints at its end."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bank_simulator.counted import Counted
from bank_simulator.report import percentile
from local_cloud import demo, webhook_receiver
from local_cloud.bounces import Bounce
from local_cloud.deploy import Deployed
from local_cloud.webhook_demo import ReceivedWebhook


@dataclass(frozen=True, slots=True)
class MailTimes:
    """How many transactions were accepted, the seconds from POST to SES of each e-mail, and how many are missing."""

    accepted: int
    seconds: list[float]
    missing: int


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run did: the e-mails of the first transaction, of the suspicious transaction, and of the rest.

    `flags` are those of the suspicious transaction, `counted` is what the analytics have counted, beside what was
    `posted`. Then come the bounce, and the webhooks that the bank's own endpoint received.
    """

    count: int
    first: MailTimes
    alert: MailTimes
    rest: MailTimes
    flags: list[str]
    counted: dict[str, Counted]
    posted: dict[str, Counted]
    bounce: Bounce
    webhooks: list[ReceivedWebhook]

    @property
    def is_right(self) -> bool:
        is_accepted = self.first.accepted + self.rest.accepted == self.count and self.alert.accepted == 1
        is_sent = not (self.first.missing or self.alert.missing or self.rest.missing)
        is_counted = bool(self.flags) and self.counted == self.posted
        return is_accepted and is_sent and is_counted and self.bounce.is_as_expected and self.are_webhooks_received

    @property
    def are_webhooks_received(self) -> bool:
        signed = [webhook.type for webhook in self.webhooks if webhook.is_signature_valid]
        return signed == list(self.bounce.webhooks.values())


def print_result(
    deployed: Deployed, result: RunResult, inbox_url: str, api_key: str, staff: Sequence[Mapping[str, str]]
) -> None:
    """Print the figures of a run, and how to go on from there."""
    payload = '{"id": "1", "account": "A123", "amount": 250.50, "type": "credit", "timestamp": "2026-01-10T14:00:00Z"}'
    print()
    for name, value in _rows(deployed, result).items():
        print(f"  {name + ':':<26}{value}")
    print(
        f"\n  inbox   {inbox_url} (webhooks: {inbox_url}{webhook_receiver.PATH[1:]})\n  API     {deployed.api_url}"
        f"\n  try     curl -i {deployed.api_url}/transactions \\"
    )
    print(f"            -H 'x-api-key: {api_key}' -H 'content-type: application/json' \\\n            -d '{payload}'")
    print(f"\n  console {deployed.console_url}")
    for member in staff:
        print(f"            {member['group']:<8} {member['email']}  {member['password']}")
    print("\n  The local cloud keeps running: `make inbox`, `make simulate`, `make stop`.")


def _rows(deployed: Deployed, result: RunResult) -> dict[str, str]:
    first, alert, rest = result.first, result.alert, result.rest
    seconds = first.seconds + alert.seconds + rest.seconds
    expected = len(seconds) + first.missing + alert.missing + rest.missing
    counted = sum(totals.count for totals in result.counted.values())
    rows = {
        "transactions accepted": f"{first.accepted + alert.accepted + rest.accepted} of {result.count + 1}",
        "e-mails accepted by SES": f"{len(seconds)} of {expected} ({demo.mails_accepted(deployed)} since the start)",
        "first e-mail after": f"{max(first.seconds):.2f} s" if first.seconds else "-",
        "security alert after": f"{max(alert.seconds):.2f} s ({', '.join(result.flags)})" if alert.seconds else "-",
        "GET /analytics counts": f"{counted} settled in {len(result.counted)} currencies, credits and debits "
        + ("exactly as posted" if result.counted == result.posted else "NOT as posted"),
    }
    if rest.seconds:
        p50, p95 = (percentile(Counter(rest.seconds), percent) for percent in (50, 95))
        rows["from POST to SES, then"] = f"p50 {p50:.2f} s, p95 {p95:.2f} s, max {max(rest.seconds):.2f} s"
    bounce = result.bounce
    rows["an e-mail that bounces"] = f"{bounce.first}; the address is {bounce.address}; the next: {bounce.second}"
    received = ", ".join(f"{webhook.type} after {webhook.after_s:.1f} s" for webhook in result.webhooks)
    signed = "signatures valid" if result.are_webhooks_received else "NOT all, or not with a valid signature"
    missing = f"none; `python -m operations.webhooks list {demo.BANK.id}` shows their delivery status"
    rows["webhooks received"] = f"{received}, {signed}" if received else missing
    return rows
