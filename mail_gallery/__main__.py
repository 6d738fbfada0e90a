"""Takes pictures of every kind of e-mail in every language, with a headless Chromium: one picture for each kind.

python -m mail_gallery
"""

import argparse
import base64
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Error as BrowserFailed
from tqdm import tqdm

from mail_gallery.browsers import BROWSER_ARGUMENTS, find_browser
from mail_gallery.samples import KINDS, READERS, sample

FOLDER = Path(__file__).parent.parent / "docs" / "emails"
# The width of the reading pane of a mail program, and of a phone.
WIDTHS = {"desktop": 640, "phone": 360}
# Every language, width and colour scheme, but not every combination, which would be 5 MB of pictures.
VIEWS: dict[str, tuple[tuple[str, Literal["light", "dark"]], ...]] = {
    "fr": (("desktop", "light"), ("phone", "dark")),
    "en": (("desktop", "dark"), ("phone", "light")),
}
# With this scale all pictures are under 4.8 MB, and the text can still be read.
SCALE = 0.8
_NO_BROWSER = (
    "gallery: there is no Chromium on this machine. "
    "Install it (`apt-get install chromium`, or Google Chrome) and run this again."
)
_SHEET = """<!doctype html><meta charset="utf-8"><style>
body{margin:0;padding:16px;width:max-content;background:#8b939d;font:15px Helvetica,Arial,sans-serif;color:#000}
body{display:flex;gap:16px;align-items:flex-start}figure{margin:0}figcaption{padding:0 0 6px}img{display:block}
</style>"""


def main(arguments: Sequence[str] | None = None, find: Callable[[str], str | None] = shutil.which) -> int:
    """Run the command and return its status: 0, or 1 if there is no browser."""
    parser = argparse.ArgumentParser(
        prog="python -m mail_gallery",
        description="Take pictures of every kind of e-mail: phone and desktop, light and dark.",
    )
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="the folder for the pictures (default: docs/emails)"
    )
    parser.add_argument("--kind", choices=KINDS, action="append", help="only this kind (can be given several times)")
    options = parser.parse_args(arguments)
    executable = find_browser(find)
    if executable is None:
        print(_NO_BROWSER, file=sys.stderr)
        return 1
    kinds = options.kind or KINDS
    options.folder.mkdir(parents=True, exist_ok=True)
    try:
        with (
            sync_playwright() as playwright,
            playwright.chromium.launch(executable_path=executable, args=BROWSER_ARGUMENTS) as browser,
        ):
            for kind in tqdm(kinds, desc="gallery", unit="sheet"):
                (options.folder / f"{kind}.png").write_bytes(sheet(browser, kind))
    except BrowserFailed as error:
        print(f"gallery: {executable} failed: {error.message.splitlines()[0]}", file=sys.stderr)
        return 1
    return 0


def sheet(browser: Browser, kind: str) -> bytes:
    """Return a picture with this kind of e-mail in every language."""
    figures = [figure for locale in READERS for figure in _figures(browser, kind, locale)]
    with browser.new_page() as page:
        page.set_content(_SHEET + "".join(figures))
        return page.locator("body").screenshot()


def _figures(browser: Browser, kind: str, locale: str) -> Iterator[str]:
    mail = sample(kind, locale)
    for device, scheme in VIEWS[locale]:
        with browser.new_page(
            viewport={"width": WIDTHS[device], "height": 100},
            device_scale_factor=SCALE,
            color_scheme=scheme,
            java_script_enabled=False,
        ) as page:
            page.set_content(mail.html)
            picture = base64.b64encode(page.screenshot(full_page=True)).decode()
        caption = escape(f"{locale}, {device}, {scheme}")
        yield f'<figure><figcaption>{caption}</figcaption><img src="data:image/png;base64,{picture}"></figure>'


if __name__ == "__main__":
    sys.exit(main())
