"""The holder's page at a signed link: shows the form, saves it, and unsubscribes with one click.

Only the link shows who the visitor is. There are no cookies, so another site can't make a visitor's browser send a
request that the link allows. Only a POST changes anything, because mail programs and scanners open links.
"""

import dataclasses
import email
import email.policy
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import parse_qs, unquote

from chalice.app import Request, Response

from chalicelib.api import preferences_html as html
from chalicelib.api.preferences_form import (
    Fields,
    Form,
    Mistake,
    Mistaken,
    apply_form,
    fill_form,
    read_form,
    version_of,
)
from chalicelib.aws.telemetry import count, logger
from chalicelib.banks.bank import Bank, BankDirectory
from chalicelib.errors import BodyTooLarge, TemporarilyUnavailable
from chalicelib.holders.holder import Holder
from chalicelib.holders.links import Bearer, HolderLinks, InvalidLink, Purpose
from chalicelib.holders.repository import HolderRepository
from chalicelib.statements.index import StatementIndex

MAX_BYTES = 64 * 1024
_MAX_FIELDS = 500
_ONE_CLICK = ("List-Unsubscribe", "One-Click")


class Visit(NamedTuple):
    """The link that was opened (`bearer`), and its holder and bank as they are now."""

    bearer: Bearer
    holder: Holder
    bank: Bank

    @property
    def currencies(self) -> list[str]:
        """The currencies for which the form always has a minimum amount."""
        return [self.bank.default_currency] if self.bank.default_currency else []


class PreferencesPage:
    """Answers the holder's page at a signed link."""

    def __init__(
        self,
        links: HolderLinks,
        banks: BankDirectory,
        holders: HolderRepository,
        statement_index: StatementIndex,
        clock: Callable[[], datetime],
    ) -> None:
        self._links = links
        self._banks = banks
        self._holders = holders
        self._statement_index = statement_index
        self._clock = clock

    def show(self, token: str) -> Response:
        """Answer `GET /preferences/{token}`: the form, or the button to unsubscribe. It changes nothing."""
        try:
            visit = self._visit(token)
        except InvalidLink:
            return _page(html.general_page("invalid"), 400)
        except TemporarilyUnavailable as error:
            return _busy(error)
        if visit.bearer.purpose is Purpose.UNSUBSCRIBE:
            return _page(html.unsubscribe_page(visit.holder, visit.bank, visit.bearer.account))
        return _form(visit)

    def submit(self, token: str, request: Request) -> Response:
        """Answer `POST /preferences/{token}`: saves the form, or turns all e-mails off (RFC 8058)."""
        try:
            visit = self._visit(token)
            fields = _fields(request)
            if fields.get(_ONE_CLICK[0]) == [_ONE_CLICK[1]]:
                return self._unsubscribe(visit)
            if visit.bearer.purpose is not Purpose.PREFERENCES or "seen" not in fields:
                raise InvalidLink
            return self._save(visit, fields)
        except InvalidLink:
            return _page(html.general_page("invalid"), 400)
        except TemporarilyUnavailable as error:
            return _busy(error)

    def _visit(self, token: str) -> Visit:
        """Return the visit of a link; raises InvalidLink, also if the holder is gone or has another address."""
        bearer = self._links.read(unquote(token))
        bank = self._banks.by_id(bearer.bank) or Bank(bearer.bank, bearer.bank, "", "")
        for holder in self._holders.of_account(bearer.bank, bearer.account):
            if bearer.is_for(holder):
                return Visit(bearer, holder, bank)
        raise InvalidLink

    def _save(self, visit: Visit, fields: Fields) -> Response:
        bearer, holder = visit.bearer, visit.holder
        form = read_form(fields, visit.currencies)
        try:
            preferences = apply_form(form, holder.preferences, holder.locale)
        except Mistaken as error:
            return _form(visit, 400, form, mistakes=error.mistakes)
        note = "saved_muted" if preferences.get("muted") else "saved"
        if preferences == dict(holder.preferences):  # for example, when the form is sent twice
            return _form(visit, note=note)
        # Don't overwrite what the bank, or the holder in another tab, has changed since the form was shown.
        if fields["seen"] != [version_of(holder.preferences)]:
            return _form(visit, 409, note="changed")
        changed = dataclasses.replace(holder, preferences=preferences)
        self._statement_index.enter(bearer.bank, bearer.account, changed, self._clock())
        if not self._holders.change_preferences(bearer.bank, bearer.account, holder, preferences):
            return _form(self._refreshed(visit), 409, note="changed")
        _report(bearer, "page", preferences)
        return _form(self._refreshed(visit), note=note)

    def _unsubscribe(self, visit: Visit) -> Response:
        bearer, holder, bank = visit
        if not holder.preferences.get("muted"):
            if not self._holders.mute(bearer.bank, bearer.account, holder):
                raise InvalidLink
            _report(bearer, "one_click", {"muted": True})
        return _page(html.unsubscribed_page(holder, bank, bearer.account))

    def _refreshed(self, visit: Visit) -> Visit:
        """Return the visit with the holder as stored now; raises InvalidLink."""
        for holder in self._holders.of_account(visit.bearer.bank, visit.bearer.account):
            if visit.bearer.is_for(holder):
                return visit._replace(holder=holder)
        raise InvalidLink


def _report(bearer: Bearer, how: str, preferences: Mapping[str, object]) -> None:
    """Log and count a change of preferences; `how` is `page` or `one_click`."""
    is_muted = bool(preferences.get("muted"))
    logger.info(
        "preferences_changed", extra={"bank": bearer.bank, "holder": bearer.holder, "how": how, "muted": is_muted}
    )
    count("PreferencesChanged")


def _fields(request: Request) -> dict[str, list[str]]:
    """Return the fields of a form's body; none if the body isn't a form. Raises BodyTooLarge."""
    body: bytes = request.raw_body
    if len(body) > MAX_BYTES:
        raise BodyTooLarge(MAX_BYTES)
    media_type: str = request.headers.get("content-type", "")
    if media_type.lower().startswith("multipart/form-data"):
        # RFC 8058 prefers this type. It is a MIME message, which the standard library reads.
        message = email.message_from_bytes(
            f"Content-Type: {media_type}\r\n\r\n".encode() + body, policy=email.policy.HTTP
        )
        found: dict[str, list[str]] = {}
        for part in message.iter_parts() if message.is_multipart() else ():
            name = part.get_param("name", header="content-disposition")
            if isinstance(name, str):
                content = part.get_payload(decode=True)
                found.setdefault(name, []).append(
                    content.decode(errors="replace") if isinstance(content, bytes) else ""
                )
        return found
    try:
        return parse_qs(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return {}


def _form(
    visit: Visit,
    status: int = 200,
    form: Form | None = None,
    note: str = "",
    mistakes: Mapping[str, Mistake] | None = None,
) -> Response:
    """Return the page with this form, or by default with the form of the stored preferences."""
    bearer, holder, bank = visit
    shown = form or fill_form(holder.preferences, visit.currencies, holder.locale)
    return _page(html.form_page(shown, holder, bank, bearer.account, note, mistakes), status)


def _busy(error: TemporarilyUnavailable) -> Response:
    response = _page(html.general_page("busy"), 503)
    response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _page(body: str, status: int = 200) -> Response:
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        # The page's URL is the link: other sites must not get it as a referrer.
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": (
            f"default-src 'none'; style-src {html.style_hash()}; img-src data:; base-uri 'none'; "
            "form-action 'self'; frame-ancestors 'none'"
        ),
    }
    return Response(body, headers, status)
