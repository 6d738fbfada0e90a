"""What happens at a bank now, for the first page of its staff: figures of an hour, a day or a month, and what needs a
person."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from chalice.app import Request, Response

from chalicelib.analytics.reader import AnalyticsReader
from chalicelib.analytics.summary import summary
from chalicelib.api.conditions import entity_tag, is_known
from chalicelib.api.requests import choice, json_answer, only_parameters
from chalicelib.aws.caching import TimedCache
from chalicelib.banks.bank import Bank
from chalicelib.banks.plans import Metered, limit_of
from chalicelib.banks.quotas_repository import QuotaRepository
from chalicelib.banks.settings import SettingsStore, StoredSettings
from chalicelib.banks.webhook_endpoints import Status, status_of
from chalicelib.errors import ValidationFailed
from chalicelib.ledger.times import format_time
from chalicelib.staff.member import StaffMember

if TYPE_CHECKING:
    from chalicelib.activity.hour import HourOfActivity
    from chalicelib.activity.reader import ActivityReader

# How many clock hours a period has, the present one among them; and how many of them are one step of its chart.
PERIODS = {"hour": (2, 1), "day": (24, 1), "month": (30 * 24, 24)}
MONTH_DAYS = 30
# Several who look at one bank, and one who looks often, cost one reading in this time.
CACHE_FOR = timedelta(seconds=2)
_CACHED_BANKS = 1_000
WARNED_AT = 80  # percent of a quota
# What differs each time although nothing has happened.
_CLOCK = ("as_of", "to")
_HOUR = timedelta(hours=1)
CaseCounts = Callable[[str], dict[str, int] | None]


class Today:
    """Reads the figures in thirteen calls, whatever the bank has stored. `cases` counts a bank's cases by state."""

    def __init__(
        self,
        analytics: AnalyticsReader,
        activity: "ActivityReader",
        used: QuotaRepository,
        store: SettingsStore,
        cases: CaseCounts,
        clock: Callable[[], datetime],
    ) -> None:
        self._analytics = analytics
        self._activity = activity
        self._used = used
        self._store = store
        self._cases = cases
        self._clock = clock
        self._answers = TimedCache[tuple[str, str], dict[str, Any]](CACHE_FOR, clock, _CACHED_BANKS)

    def of(self, bank: Bank, period: str) -> dict[str, Any]:
        """Return the figures of a bank as the API answers them. Raises TemporarilyUnavailable."""
        return self._answers.get((bank.id, period), lambda: self._read(bank, period))

    def _read(self, bank: Bank, period: str) -> dict[str, Any]:
        now = self._clock()
        hours, in_step = PERIODS[period]
        this_hour = now.replace(minute=0, second=0, microsecond=0)
        start = this_hour - (hours - 1) * _HOUR
        if in_step > 1:  # whole days, of which today is the last
            start = this_hour.replace(hour=0) - timedelta(days=MONTH_DAYS - 1)
        first = start.date() if period == "month" else now.date()
        days, as_of = self._analytics.of_bank(bank.id, first, now.date())
        activity = self._activity.between(bank.id, start, now)
        total = summary(days)
        cases, quota = self._cases(bank.id), self._quota(bank, now.date())
        figures = _figures(activity)
        perhaps = {"latency": _latency(activity), "cases": cases}
        return {
            "period": period,
            "from": format_time(start),
            "to": format_time(now),
            "as_of": format_time(as_of),
            "totals_from": first.isoformat(),
            "totals_to": now.date().isoformat(),
            **{name: total[name] for name in ("totals", "statuses", "flags")},
            "days": total["days"] if period == "month" else [],
            "step": "day" if in_step > 1 else "hour",
            "hours": [_step(activity[at : at + in_step]) for at in range(0, len(activity), in_step)],
            **figures,
            **{name: value for name, value in perhaps.items() if value is not None},
            "quota": quota,
            "attention": attention(figures, cases, quota, self._store.settings(bank.id)),
        }

    def _quota(self, bank: Bank, day: date) -> list[dict[str, Any]]:
        limits = {metered: limit_of(bank, metered) for metered in Metered}
        return [
            {"what": metered.value, "used": self._used.used(bank.id, metered, day).taken, "limit": limit}
            for metered, limit in limits.items()
            if limit is not None
        ]


def get_today(member: StaffMember, request: Request, *, today: Today) -> Response:
    """Answer `GET /staff/today`: 304 where nothing has changed since the answer whose ETag the request names."""
    only_parameters(request, "period")
    errors: list[tuple[str, str]] = []
    period = choice(request.query_params or {}, "period", PERIODS, errors) or "day"
    if errors:
        raise ValidationFailed(errors)
    answer = today.of(member.bank, period)
    tag = entity_tag({name: value for name, value in answer.items() if name not in _CLOCK})
    if is_known(request, tag):
        return Response("", {"ETag": tag}, 304)
    return json_answer(answer, headers={"ETag": tag})


def attention(
    figures: dict[str, Any], cases: dict[str, int] | None, quota: Sequence[dict[str, Any]], stored: StoredSettings
) -> list[dict[str, Any]]:
    """Return what needs a person, the most urgent first."""
    emails, webhooks = figures["emails"], figures["webhooks"]
    statuses = [status_of(stored.states, key, named) for key, named in stored.settings.endpoints.items()]
    found = [
        _needs("cases_not_recognized", (cases or {}).get("not_recognized", 0), "cases", "holders don't know a payment"),
        *(
            _needs("quota", one["used"] * 100 // one["limit"], "quota", f"percent of today's {one['what']} used")
            | {"what": one["what"]}
            for one in quota
            if one["used"] * 100 >= WARNED_AT * one["limit"]
        ),
        _needs("webhooks_gone", statuses.count(Status.GONE), "webhooks", "endpoints are gone and get nothing"),
        _needs("webhooks_unproved", statuses.count(Status.UNPROVED), "webhooks", "endpoints have accepted no test"),
        _needs(
            "webhooks_failed",
            0 if webhooks["delivered"] else webhooks["failed"],
            "webhooks",
            "webhooks failed, and none was accepted",
        ),
        _needs("emails_failed", emails["failed"] + emails["rejected"], "search", "e-mails could not be sent"),
    ]
    return [one for one in found if one["count"]]


def _needs(kind: str, count: int, link: str, text: str) -> dict[str, Any]:
    return {"kind": kind, "count": count, "text": f"{count} {text}", "link": link}


def _figures(hours: "Sequence[HourOfActivity]") -> dict[str, Any]:
    step = _step(hours)
    answers = {name: sum(hour.answers[name] for hour in hours) for name in hours[0].answers}
    return {
        "emails": step["emails"],
        "alerts": {"sent": step["alerts"], **answers},
        "webhooks": step["webhooks"],
    }


def _latency(hours: "Sequence[HourOfActivity]") -> dict[str, Any] | None:
    """Return how long e-mails took from recording to SES's yes, None if there were none."""
    latency = sum((hour.latency for hour in hours[1:]), hours[0].latency)
    if not latency.count:
        return None
    quantiles = {"p50_s": latency.quantile(Decimal("0.5")), "p95_s": latency.quantile(Decimal("0.95"))}
    return {"count": latency.count, **{name: str(value) for name, value in quantiles.items()}}


def _step(hours: "Sequence[HourOfActivity]") -> dict[str, Any]:
    """Return the activity of one or more hours, together."""
    return {
        "hour": format_time(hours[0].hour),
        "transactions": sum(hour.transactions for hour in hours),
        "flagged": sum(hour.flagged for hour in hours),
        "emails": {name: sum(hour.emails[name] for hour in hours) for name in hours[0].emails},
        "alerts": sum(hour.alerts for hour in hours),
        "webhooks": {name: sum(hour.webhooks[name] for hour in hours) for name in hours[0].webhooks},
    }
