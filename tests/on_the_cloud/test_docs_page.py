"""The API's page on the local cloud: behind a gateway, and from the package that ships."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import (
    Watched,
    browser,  # noqa: F401
)
from tests.cloud import CloudUnderTest
from tests.described import OPERATIONS, SCHEMAS, described_at
from tests.fetched import get

pytestmark = pytest.mark.cloud


def test_the_page_is_whole_behind_a_gateway_and_from_the_package_that_ships(
    browser: Browser,  # noqa: F811
    cloud: CloudUnderTest,
) -> None:
    url = cloud.deployed.api_url
    with browser.new_page() as page:
        watched = Watched(page)
        page.goto(f"{url}/docs")
        expect(page.locator("article > h3")).to_have_count(len(OPERATIONS) + len(SCHEMAS), timeout=30_000)
        assert watched.said == []
        assert [asked for asked in watched.urls if not asked.startswith((f"{url}/", "data:"))] == []
    assert get(f"{url}/openapi.json").body == described_at(url)
    assert get(f"{url}/docs/unknown.js").status == 404
