"""The core modules, and which tests have to notice a change of each: the file of its name, and those named here."""

from dataclasses import dataclass
from pathlib import Path

# By module of `chalicelib`, further test files of `tests/`.
CORE: dict[str, tuple[str, ...]] = {
    "aws.batching": (),
    "aws.conditional": (),
    "aws.dynamo": (),
    "aws.queues": (),
    "ledger.archive": (),
    "ledger.digit_runs": ("ledger/test_card_numbers", "ledger/test_known_identifiers"),
    "ledger.ingest_worker": (),
    "ledger.intake": (),
    "ledger.money": ("ledger/test_posted",),
    "ledger.purchase": (),
    "ledger.times": ("ledger/test_transaction", "aws/test_dynamo"),
    "ledger.visible_text": (),
    "ledger.written_digits": ("ledger/test_card_numbers",),
    "banks.quotas": (),
    "banks.signatures": (),
    "holders.link_tokens": ("holders/test_links",),
    "holders.links": (),
    "holders.late_suppression": (),
    "holders.long_step": (),
    "holders.suppression": (),
    "holders.sweep": (),
    "flags.judge": ("notifications/test_stream",),
    "flags.rules": (),
    "analytics.job": ("analytics/test_lease",),
    "analytics.rollups": (),
    "analytics.shares": (),
    "mail.pacing": (),
    "mail.sender": (),
    "mail.shares": (),
    "notifications.deferrals": ("notifications/test_release",),
    "notifications.digest": (),
    "notifications.digest_composing": (),
    "notifications.digest_members": (),
    "notifications.digest_sender": ("notifications/test_digest_steps",),
    "notifications.digests_repository": (),
    "notifications.feed": (),
    "notifications.feedback": (),
    "notifications.log": (),
    "notifications.mailer": (
        "notifications/test_digest_sender",
        "notifications/test_email_quota",
        "notifications/test_aliases",
    ),
    "notifications.ordering": (),
    "notifications.returns": (),
    "notifications.sent_together": (),
    "notifications.state": ("notifications/test_feedback",),
    "notifications.stream": ("webhooks/test_flagged",),
    "notifications.suppressing": ("notifications/test_feedback",),
    "notifications.verdicts": (),
    "webhooks.attempt": ("webhooks/test_sender",),
    "webhooks.outbox": ("webhooks/test_feeder",),
    "webhooks.sender": ("webhooks/test_tester",),
}


@dataclass(frozen=True, slots=True)
class Module:
    """A module to be changed: its file, and the test files, all from the top of the tree."""

    name: str
    file: str
    tests: tuple[str, ...]


def core(root: Path) -> list[Module]:
    """Return the core modules of a tree."""
    found = []
    for name, further in CORE.items():
        package, _, stem = name.partition(".")
        tests = [f"{package}/test_{stem}", *further]
        files = [f"tests/{test}.py" for test in dict.fromkeys(tests) if test in further or exists(root, test)]
        found.append(Module(name, f"chalicelib/{package}/{stem}.py", tuple(files)))
    return found


def exists(root: Path, test: str) -> bool:
    return (root / f"tests/{test}.py").exists()
