"""The composition root of cases: what opens them and what staff works with, made on first use."""

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.mail_services import MailServices

if TYPE_CHECKING:
    from chalicelib.cases.desk import CaseDesk
    from chalicelib.cases.labels_repository import Labels
    from chalicelib.cases.opener import CaseOpener
    from chalicelib.cases.queue_repository import CaseQueue
    from chalicelib.cases.repository import CaseRepository


class CaseServices(MailServices):
    """The stage's stores, its mailers, and what works on cases."""

    @cached_property
    def case_store(self) -> "CaseRepository":
        from chalicelib.cases.repository import CaseRepository

        return CaseRepository(self.client("dynamodb"), self.settings.cases_table, self.settings.transactions_table)

    @cached_property
    def case_opener(self) -> "CaseOpener":
        from chalicelib.cases.opener import CaseOpener

        return CaseOpener(
            self.case_store,
            self.transactions,
            self.dead_letters(self.settings.stream_dead_letter_queue_url, "transaction_stream"),
            self.now,
        )

    @cached_property
    def case_queue(self) -> "CaseQueue":
        from chalicelib.cases.queue_repository import CaseQueue

        return CaseQueue(self.client("dynamodb"), self.settings.cases_table)

    @cached_property
    def case_desk(self) -> "CaseDesk":
        from chalicelib.cases.desk import CaseDesk

        return CaseDesk(self.case_store, self.case_queue, self.now)

    @cached_property
    def labels(self) -> "Labels":
        from chalicelib.cases.labels_repository import Labels

        return Labels(self.client("dynamodb"), self.settings.cases_table)
