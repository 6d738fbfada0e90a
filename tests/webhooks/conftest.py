"""What the tests of webhooks share: endpoints over real sockets."""

from tests.far_side import start  # noqa: F401
