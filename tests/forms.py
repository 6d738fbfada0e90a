"""HTML forms as a browser without scripts reads them: what would be sent if nothing was touched."""

from html.parser import HTMLParser


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, list[str]]] = []
        self._select: str | None = None
        self._options: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "form":
            self.forms.append({})
        elif tag == "input" and not (given.get("type") in ("checkbox", "radio") and "checked" not in given):
            self.forms[-1].setdefault(name, []).append(value)
        elif tag == "select":
            self._select, self._options = name, []
        elif tag == "option":
            self._options.append((value, "selected" in given))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._select is not None:
            chosen = [value for value, is_chosen in self._options if is_chosen] or [self._options[0][0]]
            self.forms[-1][self._select] = chosen
            self._select = None


def forms(html: str) -> list[dict[str, list[str]]]:
    """Return the fields that each of the page's forms would send, with their values."""
    reader = _Reader()
    reader.feed(html)
    return reader.forms


def filled(html: str) -> dict[str, list[str]]:
    """Return the fields of the page's main form: the one of the preferences, or else the first that sends something."""
    found = forms(html)
    return next((one for one in found if "seen" in one), None) or next(one for one in found if one)


def button(html: str, do: str) -> dict[str, list[str]]:
    """Return the fields that the button with this `do` sends."""
    (found,) = (one for one in forms(html) if one.get("do") == [do])
    return found
