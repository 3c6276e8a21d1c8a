"""The dashboard and the alerts that come with the portal ask only for what `/metrics` tells."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from portal.metrics import measures
from tests.portal.api.asking import bearer, token

FOLDER = Path(measures.__file__).parent
DASHBOARD = json.loads((FOLDER / "grafana.json").read_text())
RULES = [
    rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
#: What Prometheus and its language say themselves.
_WORDS = {
    "by", "le", "sum", "min", "max", "rate", "delta", "count", "time", "topk", "vector", "histogram_quantile",
    "increase", "and", "or", "up",
}  # fmt: skip
_LABELS = {"job", "place", "reason", "view", "status", "sign", "queue", "state", "task", "instance"}


def expressions() -> list[str]:
    panels: list[dict[str, Any]] = DASHBOARD["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", ())] + [
        rule["expr"] for rule in RULES
    ]


def named(expression: str) -> set[str]:
    """The names in an expression, without its texts and durations."""
    bare = re.sub(r'"[^"]*"|\[[0-9]+[smhd]\]', "", expression)
    return set(re.findall(r"[a-z_]+", bare)) - _WORDS - _LABELS


@pytest.fixture
def told(client: Client, db: None) -> set[str]:
    """Every name of a sample that the portal can tell, also of what nobody has done yet."""
    measures.swept("payouts.tasks.check_books", seconds=0.1, found=1, at=1.0)
    text = client.get("/metrics", headers=bearer(token(scope="metrics:read"))).content.decode()
    return {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}


def test_every_expression_asks_for_figures_that_are_told(told: set[str]) -> None:
    unknown = {expression: missing for expression in expressions() if (missing := named(expression) - told)}

    # Ages are told only once there was something to be old.
    ages = {"portal_feed_received_age_seconds", "portal_feed_executed_age_seconds",
            "portal_books_checked_age_seconds", "portal_worker_beat_age_seconds"}  # fmt: skip
    assert {name for names in unknown.values() for name in names} <= ages


def test_every_family_is_on_the_dashboard_or_wakes_somebody(told: set[str]) -> None:
    shown = {
        re.sub(r"_(total|bucket|sum|count)$", "", name) for each in expressions() for name in named(each)
    }
    families = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in told}

    assert families - shown == set()


def test_every_alert_says_how_bad_it_is_and_what_is_wrong() -> None:
    assert len(RULES) == 14
    for rule in RULES:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith(".")
        assert re.fullmatch(r"[0-9]+m", rule.get("for", "1m"))
        assert rule["alert"].startswith("Portal")


def test_the_dashboard_asks_the_chosen_prometheus_and_no_panel_covers_another() -> None:
    panels = DASHBOARD["panels"]
    assert {panel["datasource"]["uid"] for panel in panels if panel["type"] != "row"} == {"${datasource}"}
    cells = [
        (panel["gridPos"]["x"] + dx, panel["gridPos"]["y"] + dy)
        for panel in panels
        for dx in range(panel["gridPos"]["w"])
        for dy in range(panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert len({panel["id"] for panel in panels}) == len(panels)
