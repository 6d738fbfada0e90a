"""An e-mail's HTML as mail programs paint it: each piece of text with its colours, by light, by dark, and unstyled."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser

_VOID = {"meta", "br", "hr", "img", "link", "input"}
_RULE = re.compile(r"\.([a-z])\{([^}]*)\}")


@dataclass(frozen=True)
class Piece:
    """A piece of text: in which element it is, and its colour and background in one scheme."""

    text: str
    tag: str
    colour: str
    background: str

    @property
    def contrast(self) -> float:
        """WCAG 2's contrast ratio."""
        lighter, darker = sorted((_luminance(self.colour), _luminance(self.background)), reverse=True)
        return (lighter + 0.05) / (darker + 0.05)


def pieces(html: str, scheme: str = "light") -> list[Piece]:
    """Return what is read of the HTML's body in `light` or `dark`; each must say what colours it has."""
    painter = _Painter(_dark_rules(html) if scheme == "dark" else {})
    painter.feed(html)
    painter.close()
    assert painter.open == [], "not every element is closed"
    return painter.pieces


def _dark_rules(html: str) -> dict[str, dict[str, str]]:
    _, _, dark = html.partition("@media(prefers-color-scheme:dark){")
    assert dark
    return {name: _declarations(rule.replace("!important", "")) for name, rule in _RULE.findall(dark)}


def _declarations(style: str) -> dict[str, str]:
    return dict(part.split(":", 1) for part in style.split(";") if part)


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


class _Painter(HTMLParser):
    def __init__(self, rules: dict[str, dict[str, str]]) -> None:
        super().__init__()
        self.pieces: list[Piece] = []
        self.open: list[tuple[str, dict[str, str]]] = []
        self._rules = rules

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        given = dict(attrs)
        paint = dict(self.open[-1][1]) if self.open else {}
        style = _declarations(given.get("style") or "")
        if "bgcolor" in given:
            # Both are there for the programs that know only one of them.
            assert given["bgcolor"] == style["background-color"]
        for name in (given.get("class") or "").split():
            style |= self._rules.get(name, {})
        paint |= {name: style[name] for name in ("color", "background-color") if name in style}
        if tag in ("head", "style", "title") or style.get("display") == "none" or given.get("aria-hidden") == "true":
            paint["hidden"] = "yes"
        self.open.append((tag, paint))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if data.strip():
            tag, paint = self.open[-1]
            if "hidden" not in paint:
                self.pieces.append(Piece(data.strip(), tag, paint["color"], paint["background-color"]))
