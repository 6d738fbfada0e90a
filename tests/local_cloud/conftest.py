"""The fixtures of the inbox's tests: a browser, and a bank's endpoint."""

from tests.browser import browser  # noqa: F401
from tests.webhook_endpoint import endpoint  # noqa: F401
