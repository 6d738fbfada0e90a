"""A holder who visits the preferences page."""

from typing import Any
from urllib.parse import urlencode

from chalice.test import HTTPResponse

from chalicelib.holders.holder import Holder
from chalicelib.holders.links import Links
from chalicelib.holders.repository import HolderRepository
from tests.app_bench import HOLDER, KEY, OTHER_KEY, Bench
from tests.forms import filled
from tests.links import BASE, links_for

FORM = "application/x-www-form-urlencoded"


class Visitor:
    """A holder, or somebody else, with the links of an e-mail."""

    def __init__(self, bench: Bench, account: str = "A123", bank: str = "eazycard", **enrolment: Any) -> None:
        self.bench = bench
        self.account = account
        self.path = f"/accounts/{account}/holders/h1"
        self.key = KEY if bank == "eazycard" else OTHER_KEY
        self.enrol(**enrolment)
        self.links: Links = links_for(account, self.holder, bench.now, bank)

    def enrol(self, **enrolment: Any) -> None:
        response = self.bench.request(
            "PUT", self.path, {**HOLDER, "timezone": "Africa/Douala", **enrolment}, key=self.key
        )
        assert response.status_code in (200, 201)

    @property
    def holder(self) -> Holder:
        repository = HolderRepository(self.bench.dynamodb, "AccountsTable")
        (holder,) = repository.of_account("eazycard" if self.key == KEY else "other-bank", self.account)
        return holder

    @property
    def stored(self) -> dict[str, Any]:
        """The whole record as the bank reads it."""
        record: dict[str, Any] = self.bench.get(self.path, key=self.key).json_body
        return record

    @property
    def preferences(self) -> dict[str, Any]:
        found: dict[str, Any] = self.stored["preferences"]
        return found

    @property
    def page_path(self) -> str:
        return str(self.links.preferences).removeprefix(BASE)

    @property
    def unsubscribe_path(self) -> str:
        return str(self.links.unsubscribe).removeprefix(BASE)

    def open(self, path: str | None = None) -> HTTPResponse:
        return self.bench.request("GET", path or self.page_path, key=None, content_type=None)

    def send(self, path: str | None = None, **changes: list[str]) -> HTTPResponse:
        """Open the form, change these fields, send it."""
        fields = {**filled(self.open().body.decode()), **changes}
        return self.post(urlencode(fields, doseq=True), path or self.page_path)

    def post(self, body: str | bytes, path: str, content_type: str | None = FORM) -> HTTPResponse:
        raw = body.encode() if isinstance(body, str) else body
        return self.bench.request("POST", path, raw, key=None, content_type=content_type)
