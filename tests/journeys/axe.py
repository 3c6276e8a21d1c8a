"""Runs axe over an open page: what a screen reader, a keyboard or weak eyes would stumble over."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

_WCAG = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    # Not what passes, which is most of a page: it all goes through the browser's wire.
    "resultTypes": ["violations"],
}


def serious_violations(page: Page) -> list[str]:
    """Serious and critical violations of WCAG 2.2 AA, one line each, with where."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: list[dict[str, Any]] = page.evaluate("async options => (await axe.run(options)).violations", _WCAG)
    return [
        f"{page.url}: {each['id']} ({each['impact']}) at {node['target']}: {node['html'][:120]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
