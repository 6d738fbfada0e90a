"""The composition root of what the routes of banks' staff need besides the stores, made on first use.

PyJWT and `cryptography` are imported where a token is verified: a bank's request doesn't load them.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.case_services import CaseServices
from chalicelib.staff.refusals import NotSignedIn

if TYPE_CHECKING:
    from chalicelib.audit.looks import Looks
    from chalicelib.aws.queues import Queue
    from chalicelib.holders.finding_repository import HolderFinder
    from chalicelib.ledger.search_repository import SearchRepository
    from chalicelib.staff.pool import StaffPool
    from chalicelib.staff.reading import ReadLimits
    from chalicelib.staff.tokens import StaffTokens
    from chalicelib.webhooks.attempts_repository import AttemptLog
    from chalicelib.webhooks.records import WebhookRecords
    from chalicelib.webhooks.resending import Resender
    from chalicelib.webhooks.secret_replacing import SecretReplacer


class StaffServices(CaseServices):
    """The stage's stores, mailers and cases, and what the routes under `/staff` need besides."""

    @cached_property
    def staff_pool(self) -> "StaffPool":
        """The staff's user pool; raises NotSignedIn where there is none: in a stage of an earlier release."""
        from chalicelib.staff.pool import read_pool

        if not self.settings.staff_pool:
            raise NotSignedIn
        return read_pool(self.settings.staff_pool, self.settings.staff_url)

    @cached_property
    def sign_in_origins(self) -> list[str]:
        """The origins besides the API's that the console asks: none where nobody can sign in."""
        return [self.staff_pool.sign_in_origin] if self.settings.staff_pool else []

    @cached_property
    def staff_tokens(self) -> "StaffTokens":
        from chalicelib.staff.keys import PoolKeys, fetch
        from chalicelib.staff.tokens import StaffTokens

        pool = self.staff_pool
        return StaffTokens(pool, PoolKeys(lambda: fetch(pool.keys_url), self.now), self.banks, self.now)

    @cached_property
    def read_limits(self) -> "ReadLimits":
        from chalicelib.staff.reading import ReadLimits

        return ReadLimits(self.used_quotas, self.now)

    @cached_property
    def search(self) -> "SearchRepository":
        from chalicelib.ledger.search_repository import SearchRepository

        return SearchRepository(
            self.client("dynamodb"), self.settings.transactions_table, self.transactions, self.settings.shards
        )

    @cached_property
    def holder_finder(self) -> "HolderFinder":
        from chalicelib.holders.finding_repository import HolderFinder

        return HolderFinder(self.client("dynamodb"), self.settings.addresses_table, self.holders)

    @cached_property
    def looks(self) -> "Looks":
        from chalicelib.audit.looks import Looks

        return Looks(self.trail, self.audit_entries, self.now)

    # Webhooks, for the function that sends them too

    @cached_property
    def attempt_log(self) -> "AttemptLog":
        from chalicelib.webhooks.attempts_repository import AttemptLog

        return AttemptLog(self.client("dynamodb"), self.settings.deferrals_table)

    @property
    def webhook_queue(self) -> "Queue":
        return self.queue(self.settings.webhook_queue_url)

    @cached_property
    def webhook_records(self) -> "WebhookRecords":
        from chalicelib.webhooks.records import WebhookRecords

        kept_days = self.settings.retention.webhooks
        return WebhookRecords(self.client("dynamodb"), self.settings.notifications_table, self.now, kept_days)

    @cached_property
    def webhook_resender(self) -> "Resender":
        from chalicelib.webhooks.resending import Resender

        return Resender(self.attempt_log, self.webhook_records, self.webhook_queue, self.now)

    @cached_property
    def secret_replacer(self) -> "SecretReplacer":
        from chalicelib.webhooks.secret_replacing import SecretReplacer

        return SecretReplacer(self.secrets, self.attempt_log, self.now)
