"""Reads a letter's HTML as a mail program does that knows no style sheet."""

from html.parser import HTMLParser

_ALONE = {"meta", "br", "hr"}


class Page(HTMLParser):
    """Its tags, attributes, addresses, the text that shows, and each piece of it with its two colours."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.addresses: list[str] = []
        #: (text, colour, ground, what it stands in): as the inline styles alone say it.
        self.shown: list[tuple[str, str, str, list[str]]] = []
        self.preview = ""
        self._open: list[tuple[str, dict[str, str], str]] = []
        self.feed(html)
        self.text = " ".join(" ".join(piece for piece, *_ in self.shown).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.attributes |= given.keys()
        self.addresses += [given[name] for name in ("href", "src", "background") if name in given]
        if tag not in _ALONE:
            self._open.append((tag, _rules(given.get("style", "")), given.get("class", "")))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag, f"</{tag}> closes another"

    def handle_data(self, data: str) -> None:
        within = [tag for tag, *_ in self._open]
        if not data.strip() or "head" in within:
            return
        styles = [style for _, style, _ in self._open]
        if any(style.get("display") == "none" for style in styles):
            self.preview += data
            return
        colour = [style["color"] for style in styles if "color" in style][-1]
        ground = [style["background-color"] for style in styles if "background-color" in style][-1]
        self.shown.append((data, colour, ground, [name for *_, name in self._open]))


def _rules(style: str) -> dict[str, str]:
    pairs = (rule.partition(":") for rule in style.split(";") if rule.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}
