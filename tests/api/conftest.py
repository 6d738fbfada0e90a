"""Fixtures of the routes' tests that several of them use."""

from tests.webhook_routes import endpoints

__all__ = ["endpoints"]
