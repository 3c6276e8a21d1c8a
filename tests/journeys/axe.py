"""Runs axe over an open page: what a screen reader, a keyboard or weak eyes would stumble over."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_AXE = Axe()


def serious_violations(page: Page) -> list[str]:
    """Serious and critical violations of WCAG 2.2 AA, one line each, with where."""
    found = _AXE.run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    ).response["violations"]
    return [
        f"{page.url}: {each['id']} ({each['impact']}) at {node['target']}: {node['html'][:120]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
