"""The machine's Chromium, for commands that take pictures."""

import shutil
from collections.abc import Callable

# The first is Chromium without windows: it takes half of the time of the others.
_BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# Text without coloured edges makes the files half as large.
BROWSER_ARGUMENTS = ("--no-sandbox", "--disable-lcd-text")


def find_browser(find: Callable[[str], str | None] = shutil.which) -> str | None:
    """Return the path of the Chromium that `find` finds by one of its names, if there is one."""
    return next(filter(None, map(find, _BROWSERS)), None)
