"""The page at the link with which an e-mail address is confirmed: one button, and nothing happens without it.

The link names a bank and an address by its hash, no holder: it shows nothing of anybody's record but the language, and
it stays the same when the bank erases a holder and enrols the holder again.
"""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import unquote

from chalice.app import Request, Response

from chalicelib.api import address_html as html
from chalicelib.api.form_body import form_fields
from chalicelib.api.holder_pages import busy, page
from chalicelib.api.requests import author_by_link
from chalicelib.audit.trail import Trail
from chalicelib.aws.telemetry import count, logger
from chalicelib.banks.bank import Bank, BankDirectory
from chalicelib.errors import HolderNotFound, TemporarilyUnavailable
from chalicelib.holders.address import Address
from chalicelib.holders.enrolment import Enrolment
from chalicelib.holders.links import HolderLinks, InvalidLink

CONFIRM = {"confirm": "address"}


class AddressPage:
    """Answers the page at a link that confirms an address."""

    def __init__(
        self,
        links: HolderLinks,
        banks: BankDirectory,
        enrolment: Enrolment,
        trail: Trail,
        clock: Callable[[], datetime],
    ) -> None:
        self._links = links
        self._banks = banks
        self._enrolment = enrolment
        self._trail = trail
        self._clock = clock

    def show(self, token: str) -> Response:
        """Answer `GET /addresses/{token}`: the question with one button, or that it is answered. Changes nothing."""
        return self._answered(token, None)

    def submit(self, token: str, request: Request) -> Response:
        """Answer `POST /addresses/{token}`: confirms the address, if the page's button was pressed."""
        return self._answered(token, request)

    def _answered(self, token: str, request: Request | None) -> Response:
        try:
            address = self._links.read_confirmation(unquote(token))
            holder = self._enrolment.first_at(address)
            bank = self._banks.by_id(address.bank) or Bank(address.bank, address.bank, "", "")
            if holder.awaits_confirmation:
                fields = form_fields(request) if request is not None else {}
                if request is None or any(fields.get(name) != [value] for name, value in CONFIRM.items()):
                    return page(html.question_page(holder, bank, CONFIRM))
                self._confirm(address, request)
            return page(html.confirmed_page(holder, bank))
        except (InvalidLink, HolderNotFound):
            return page(html.invalid_page(), 400)
        except TemporarilyUnavailable as error:
            return busy(error)

    def _confirm(self, address: Address, request: Request) -> None:
        author = author_by_link(request, self._trail.hashed(address.bank, "address", address.digest))
        self._trail.by(author, address.bank).of_address("address.confirm", address.digest)
        self._enrolment.confirm(address, self._clock())
        logger.info("address_confirmed", extra={"bank": address.bank})
        count("AddressesConfirmed")
