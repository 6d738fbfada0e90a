"""How what sends e-mails is put together.

Templates, Babel and the SES model come in with it: no other function pays for them.
"""

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.aws.queues import DeadLetters
from chalicelib.mail.pacing import AHEAD, ALERTS_AHEAD, Pacer, SesAccount
from chalicelib.mail.ses import SesOutbox
from chalicelib.notifications.closings import Closings
from chalicelib.notifications.composing import Composer
from chalicelib.notifications.deferrals import Deferrals
from chalicelib.notifications.due import DeferralRepository
from chalicelib.notifications.log import NotificationLog
from chalicelib.notifications.mailer import Mailer
from chalicelib.notifications.purchases import Purchases
from chalicelib.statements.composing import StatementComposer
from chalicelib.statements.job import StatementJob

if TYPE_CHECKING:
    from chalicelib.wiring import Services


class Mails:
    """What sends e-mails; each part is made on first use."""

    def __init__(self, services: "Services") -> None:
        self._services = services

    @cached_property
    def ordinary(self) -> Mailer:
        """The mailer of the notification queue."""
        return _mailer(self._services, self._services.settings.notification_queue_url, "mailer", AHEAD)

    @cached_property
    def alerts(self) -> Mailer:
        """The mailer of the alert queue, which may book time at SES that ordinary mail can't."""
        return _mailer(self._services, self._services.settings.alert_queue_url, "alert_mailer", ALERTS_AHEAD)

    @cached_property
    def statements(self) -> StatementJob:
        """The job that sends statements, as ordinary mail."""
        services, settings, dynamodb = self._services, self._services.settings, self._services.client("dynamodb")
        return StatementJob(
            DeferralRepository(dynamodb, settings.statements_table),
            services.holders,
            StatementComposer(services.transactions, services.banks, services.links.links_for),
            NotificationLog(dynamodb, settings.notifications_table, services.notification_feed),
            _pacer(services, AHEAD),
            SesOutbox(services.client("sesv2"), settings.mail_from, settings.mail_configuration_set),
            DeadLetters(services.queue(settings.notification_dead_letter_queue_url), "statements"),
            services.now,
        )


def _pacer(services: "Services", ahead: timedelta) -> Pacer:
    settings = services.settings
    rate = float(settings.mail_rate) if settings.mail_rate else None
    account = SesAccount(services.client("sesv2"), services.now, rate)
    return Pacer(services.client("dynamodb"), settings.notifications_table, account, services.now, ahead)


def _mailer(services: "Services", queue_url: str, name: str, ahead: timedelta) -> Mailer:
    settings, dynamodb = services.settings, services.client("dynamodb")
    return Mailer(
        services.holders,
        Purchases(services.transactions, Closings(dynamodb, settings.notifications_table)),
        Composer(services.banks, services.links.links_for),
        NotificationLog(dynamodb, settings.notifications_table, services.notification_feed),
        _pacer(services, ahead),
        SesOutbox(services.client("sesv2"), settings.mail_from, settings.mail_configuration_set),
        services.queue(queue_url),
        Deferrals(services.deferrals, services.queue(settings.notification_queue_url)),
        DeadLetters(services.queue(settings.notification_dead_letter_queue_url), name),
        services.now,
    )
