"""The holder's page at a link: shows the form, saves it, and unsubscribes with one click.

Only the link shows who the visitor is. There are no cookies, so another site can't make a visitor's browser send a
request that the link allows. Only a POST changes anything, because mail programs and scanners open links.

A link to unsubscribe is signed for this one thing. So any POST to it unsubscribes, whatever its type and body are; only
the button that takes it back sends something else. Security alerts don't end with the other e-mails: they have a button
of their own, and end when the page that it leads to is confirmed.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import unquote

from chalice.app import Request, Response

from chalicelib.api import preferences_html as html
from chalicelib.api.form_body import form_fields
from chalicelib.api.holder_pages import busy, page, whose
from chalicelib.api.preferences_form import (
    IN_FORM,
    Fields,
    Form,
    Mistake,
    Mistaken,
    apply_form,
    confirmation_of,
    fill_form,
    read_form,
    version_of,
)
from chalicelib.api.requests import author_by_link
from chalicelib.audit.entry import changed_fields
from chalicelib.audit.trail import Trail
from chalicelib.aws.telemetry import count, logger
from chalicelib.banks.bank import Bank, BankDirectory
from chalicelib.errors import BodyTooLarge, TemporarilyUnavailable
from chalicelib.holders.choice import choose
from chalicelib.holders.holder import Holder
from chalicelib.holders.links import Bearer, HolderLinks, InvalidLink, Purpose
from chalicelib.holders.repository import HolderRepository
from chalicelib.statements.index import StatementIndex

_ONE_CLICK = ("List-Unsubscribe", "One-Click")
# What the holder chooses by the buttons beside the form, by the value of their field `do`.
_BUTTONS = {"emails_on": {"muted": False}, "alerts_on": {"alerts": True}}


class _ChangedMeanwhile(Exception):
    """The preferences aren't those that the page has shown."""


class Visit(NamedTuple):
    """The link that was opened (`bearer`), its holder and bank as they are now, and the request."""

    bearer: Bearer
    holder: Holder
    bank: Bank
    request: Request

    @property
    def currencies(self) -> list[str]:
        """The currencies for which the form always has a minimum amount."""
        return [self.bank.default_currency] if self.bank.default_currency else []


class PreferencesPage:
    """Answers the holder's page at a link."""

    def __init__(
        self,
        links: HolderLinks,
        banks: BankDirectory,
        holders: HolderRepository,
        statement_index: StatementIndex,
        trail: Trail,
        clock: Callable[[], datetime],
    ) -> None:
        self._links = links
        self._banks = banks
        self._holders = holders
        self._statement_index = statement_index
        self._trail = trail
        self._clock = clock

    def show(self, token: str, request: Request) -> Response:
        """Answer `GET /preferences/{token}`: the form, or the button to unsubscribe. It changes nothing."""
        try:
            visit = self._visit(token, request)
        except InvalidLink:
            return page(html.general_page("invalid"), 400)
        except TemporarilyUnavailable as error:
            return busy(error)
        if visit.bearer.purpose is Purpose.UNSUBSCRIBE:
            return page(html.unsubscribe_page(visit.holder, visit.bank, visit.bearer.account))
        return _form(visit)

    def submit(self, token: str, request: Request) -> Response:
        """Answer `POST /preferences/{token}`: saves the form, does what a button says, or unsubscribes (RFC 8058)."""
        try:
            visit = self._visit(token, request)
            if visit.bearer.purpose is Purpose.UNSUBSCRIBE:
                return self._at_unsubscribe_link(visit, request)
            return self._at_page(visit, form_fields(request))
        except InvalidLink:
            return page(html.general_page("invalid"), 400)
        except _ChangedMeanwhile:
            return _form(self._visit(token, request), 409, note="changed")
        except TemporarilyUnavailable as error:
            return busy(error)

    def _at_unsubscribe_link(self, visit: Visit, request: Request) -> Response:
        if _is_undo(request):
            undone = self._choose(visit, "undo", lambda _: {"muted": False})
            return page(html.resubscribed_page(undone.holder, undone.bank, undone.bearer.account))
        return self._unsubscribe(visit)

    def _at_page(self, visit: Visit, fields: Fields) -> Response:
        if fields.get(_ONE_CLICK[0]) == [_ONE_CLICK[1]]:
            return self._unsubscribe(visit)
        match fields.get("do", ["save"])[-1]:
            case "save" if "seen" in fields:
                return self._save(visit, fields)
            case "emails_on" | "alerts_on" as button:
                return _form(self._choose(visit, button, lambda _: _BUTTONS[button]), note=button)
            case "alerts_off":
                return self._end_alerts(visit, fields)
        raise InvalidLink

    def _visit(self, token: str, request: Request) -> Visit:
        """Return the visit of a link; raises InvalidLink, also if the holder is gone or has another address."""
        bearer = self._links.read(unquote(token))
        return Visit(bearer, *whose(bearer, self._banks, self._holders), request)

    def _save(self, visit: Visit, fields: Fields) -> Response:
        form = read_form(fields, visit.currencies)

        def choices(holder: Holder) -> Mapping[str, Any]:
            # Don't overwrite what the bank, or the holder in another tab, has changed since the form was shown.
            is_current = fields["seen"] == [version_of(holder.preferences)]
            try:
                applied = apply_form(form, holder.preferences, holder.locale)
            except Mistaken:
                if not is_current:  # the corrected form would overwrite it
                    raise _ChangedMeanwhile from None
                raise
            values = {name: applied.get(name) for name in IN_FORM}
            # A form that is sent twice changes nothing the second time.
            if not is_current and {**holder.chosen, **values} != holder.choices:
                raise _ChangedMeanwhile
            return values

        try:
            saved = self._choose(visit, "page", choices)
        except Mistaken as error:
            return _form(visit, 400, form, mistakes=error.mistakes)
        return _form(saved, note="saved_muted" if saved.holder.preferences.get("muted") else "saved")

    def _end_alerts(self, visit: Visit, fields: Fields) -> Response:
        """Ask the holder to confirm; end the security alerts when that page was confirmed."""
        if "confirmed" not in fields:
            return page(html.confirm_alerts_page(visit.holder, visit.bank, visit.bearer.account))

        def choices(holder: Holder) -> Mapping[str, Any]:
            if holder.has_alerts and fields["confirmed"] != [confirmation_of(holder.preferences)]:
                raise _ChangedMeanwhile
            return {"alerts": False}

        return _form(self._choose(visit, "alerts_off", choices), note="alerts_off")

    def _unsubscribe(self, visit: Visit) -> Response:
        done = self._choose(visit, "one_click", lambda _: {"muted": True})
        return page(html.unsubscribed_page(done.holder, done.bank, done.bearer.account))

    def _choose(self, visit: Visit, how: str, choices: Callable[[Holder], Mapping[str, Any]]) -> Visit:
        """Record what the holder chooses; return the visit with the holder as stored then.

        `choices` gets the holder as stored now. Raises InvalidLink if the link isn't that holder's any more, and what
        `choices` raises.
        """
        bearer, now = visit.bearer, self._clock()
        who = self._trail.holder(bearer.bank, bearer.account, bearer.holder)
        changes = self._trail.by(author_by_link(visit.request, who), bearer.bank)

        def change(before: Holder | None) -> Holder:
            if before is None or not bearer.is_for(before):
                raise InvalidLink
            after = choose(before, choices(before), now)
            if after is not before:
                fields = changed_fields({"preferences": before.chosen}, {"preferences": after.chosen})
                changes.of_holder("preferences.choose", bearer.account, bearer.holder, fields)
                self._statement_index.enter(bearer.bank, bearer.account, after, now)
            return after

        before, after = self._holders.change(bearer.bank, bearer.account, bearer.holder, change)
        if after is not before:
            _report(bearer, how, after.preferences)
        return visit._replace(holder=after)


def _is_undo(request: Request) -> bool:
    """Return whether the body is that of the button which takes back that all e-mails are turned off."""
    try:
        return form_fields(request).get("do") == ["emails_on"]
    except BodyTooLarge:
        return False


def _report(bearer: Bearer, how: str, preferences: Mapping[str, object]) -> None:
    """Log and count a change of preferences; `how` is `page`, `one_click`, or what a button does."""
    now = {"muted": bool(preferences.get("muted")), "alerts": preferences.get("alerts") is not False}
    logger.info("preferences_changed", extra={"bank": bearer.bank, "how": how, **now})
    count("PreferencesChanged")


def _form(
    visit: Visit,
    status: int = 200,
    form: Form | None = None,
    note: str = "",
    mistakes: Mapping[str, Mistake] | None = None,
) -> Response:
    """Return the page with this form, or by default with the form of the stored preferences."""
    bearer, holder, bank, _ = visit
    shown = form or fill_form(holder.preferences, visit.currencies, holder.locale)
    return page(html.form_page(shown, holder, bank, bearer.account, note, mistakes), status)
