"""What operators' commands have added to the audit trail of a test's stage."""

from datetime import UTC, datetime, timedelta

import boto3

from chalicelib.audit.entry import OPERATOR, STAGE
from chalicelib.audit.repository import AuditRepository


def operators_actions(bank: str = STAGE, table: str = "AuditTable") -> list[str]:
    """Return the actions of operators' entries for a bank, or for the whole stage, oldest first."""
    now = datetime.now(UTC)
    entries = AuditRepository(boto3.client("dynamodb"), table, 10).of_bank(bank, now - timedelta(hours=1), now)
    return [entry.action for entry in entries if entry.author.kind == OPERATOR]
