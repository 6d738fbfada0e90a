"""What is promised of statements: each that is wanted comes once, and has the period's sums."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from chalicelib.holders.conventions import MINUS, PLUS, money
from simulation.bank import BANKS
from simulation.holders import Enrolled
from simulation.rest import Rest
from simulation.services import SentEmail
from simulation.tables import value_at

_DUE_AT = timedelta(hours=8)
_LATE_BY_AT_MOST = timedelta(hours=2)  # when everything has come to rest
# What is recorded so shortly before an e-mail is composed may be in it or not: indexes are behind.
_IN_DOUBT = timedelta(seconds=90)
Period = tuple[str, datetime, datetime]  # its name, and its bounds by the holder's clock


class StatementPromises:
    """The promises of statements, looked at when everything has come to rest."""

    def __init__(self, rest: Rest, start: datetime) -> None:
        self._rest, self._stage = rest, rest.stage
        self._start = start

    def broken(self) -> Iterator[str]:
        """Yield the promises that are broken."""
        for holder in self._rest.banks.holders.all:
            wanted = dict[str, Period]()
            if not holder.is_muted and holder.statement != "none":
                wanted = {f"statement@{holder.account}@{one[0]}": one for one in self._due(holder)}
            if not (holder.has_clicked or holder.must_confirm):
                for key, period in wanted.items():
                    yield from self._sent_once(holder, key, period)
            for bank, key, holder_id in list(self._rest.sent):
                is_theirs = (bank, holder_id) == (holder.bank, holder.id) and key.startswith(
                    f"statement@{holder.account}@"
                )
                if is_theirs and self._rest.sent[bank, key, holder_id] and key not in wanted:
                    yield f"no statement comes that isn't wanted: {key} to {holder.name}"

    def _due(self, holder: Enrolled) -> Iterator[Period]:
        """Yield the periods of which the holder must have got the statement by now, from the enrolment on."""
        zone = holder.zone_offset
        now = self._stage.scheduler.now + zone - _LATE_BY_AT_MOST
        day = (self._start + zone).replace(hour=0, minute=0, second=0, microsecond=0)
        is_weekly = holder.statement == "weekly"
        first = day - timedelta(days=day.weekday()) if is_weekly else day.replace(day=1)
        while True:
            following = first + timedelta(days=7) if is_weekly else (first + timedelta(days=31)).replace(day=1)
            if following + _DUE_AT > now:
                return
            year, week, _ = first.isocalendar()
            yield f"{year}-W{week:02}" if is_weekly else f"{first:%Y-%m}", first - zone, following - zone
            first = following

    def _sent_once(self, holder: Enrolled, key: str, period: Period) -> Iterator[str]:
        emails = self._rest.sent[holder.bank, key, holder.id]
        note = self._rest.notes.get((f"{holder.bank}#{key}", holder.id))
        state = value_at(note, "state") if note else "none"
        if not emails and not (state == "suppressed" and holder.may_bounce):
            yield f"a wanted statement comes: {key} to {holder.name} is {state}"
        if len(emails) - 1 - sum(email.call in self._stage.ses.in_doubt for email in emails) > 0:
            yield f"a statement comes once: {key} to {holder.name}, {len(emails)} times"
        for email in emails:
            yield from self._sums_right(holder, key, period, email)

    def _sums_right(self, holder: Enrolled, key: str, period: Period, email: SentEmail) -> Iterator[str]:
        sums = {"credit": Decimal(0), "debit": Decimal(0)}
        _, first, end = period
        for (bank, _), item in self._rest.stored.items():
            at, recorded = (datetime.fromisoformat(str(value_at(item, name))) for name in ("timestamp", "recorded_at"))
            is_theirs = bank == holder.bank and value_at(item, "account") == holder.account
            if not (is_theirs and first <= at < end and value_at(item, "status") in (None, "settled")):
                continue
            if abs(recorded - email.at) < _IN_DOUBT:
                return
            if recorded < email.at:
                sums[str(value_at(item, "type"))] += Decimal(str(value_at(item, "amount")))
        locale = str(holder.record()["locale"])
        for type_, sign in (("credit", PLUS), ("debit", MINUS)):
            written = money(sums[type_], BANKS[holder.bank], locale, sign)
            if sums[type_] and written not in email.text:
                yield f"a statement has the sums: {key} to {holder.name} lacks {written}"
