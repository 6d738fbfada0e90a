"""Telling a bank's operators of flagged transactions: one message for many, by SNS.

What goes out says which transactions and which flags. Amounts and whole account numbers stay here: an operator reads
them over the API, with the bank's key.
"""

import json
from collections.abc import Sequence

from chalicelib.aws.dead_letters import DeadLetters, Letter, SetAside
from chalicelib.aws.telemetry import count, logger
from chalicelib.flags.alert_topic import OperatorTopics
from chalicelib.flags.events import TRANSACTION_FLAGGED

MAX_LISTED = 50


class OperatorAlerts:
    def __init__(self, topics: OperatorTopics, dead_letters: DeadLetters) -> None:
        self._topics = topics
        self._dead_letters = dead_letters

    def handle(self, bodies: Sequence[str]) -> None:
        """Tell the operators of each bank of the events in the queue's messages, in one message for each bank.

        An event that can't be read goes to the dead-letter queue by itself. Raises TemporarilyUnavailable when SNS
        can't be reached: SQS then brings all of them again, and a bank that was told may be told again.
        """
        by_bank: dict[str, dict[str, str]] = {}
        letters: list[Letter] = []
        for body in bodies:
            with SetAside(letters, body, "malformed_event"):
                bank, transaction, line = read(body)
                by_bank.setdefault(bank, {})[transaction] = line  # an event that comes twice is listed once
        self._dead_letters.put(letters)
        for bank, lines in sorted(by_bank.items()):
            self._topics.publish(bank, _subject(len(lines)), _text(bank, list(lines.values())))
            count("OperatorAlerts")
        logger.info("operators_told", extra={"banks": len(by_bank), "dead_lettered": len(letters)})


def read(body: str) -> tuple[str, str, str]:
    """Return an event's bank, its transaction, and the line that tells of it; any exception for what is no event."""
    event = json.loads(body)
    detail = event["detail"]
    if event["detail-type"] != TRANSACTION_FLAGGED:
        raise ValueError("another event")
    transaction = detail["transaction"]
    flags = ", ".join(sorted(detail["flags"]))
    account = f"…{transaction['account'][-4:]}"
    return detail["bank"], transaction["id"], f"{transaction['timestamp']}  {transaction['id']}  {account}  {flags}"


def _subject(number: int) -> str:
    # SNS takes ASCII here, up to 100 characters.
    return "1 transaction flagged" if number == 1 else f"{number} transactions flagged"


def _text(bank: str, lines: Sequence[str]) -> str:
    listed = [*lines[:MAX_LISTED], *([f"and {len(lines) - MAX_LISTED} more"] if len(lines) > MAX_LISTED else [])]
    return "\n".join(
        [
            f"{_subject(len(lines))}, bank {bank}",
            "",
            "time (UTC)  transaction  account  flags",
            *listed,
            "",
            "GET /transactions/{id} says why. PUT /settings changes thresholds, and who gets these messages.",
            "",
        ]
    )
