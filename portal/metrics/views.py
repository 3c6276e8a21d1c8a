"""The door for Prometheus: `GET /metrics`, with a service token of the scope `metrics:read`."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from rest_framework.authentication import BaseAuthentication
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from portal.api.scopes import Scope
from portal.api.views import Feed
from portal.health import reading
from portal.health.reading import NoAnswer, Watch
from portal.metrics import facts, sharing
from portal.metrics.facts import Seen
from portal.metrics.families import families
from portal.metrics.tokens import RememberingAuthentication

#: Kept for each process: many who ask, or knock without a token, ask no more of the database than one.
look: Watch[Seen] = Watch(keeps=1)


class PlainText(BaseRenderer):
    """What a client may ask for. Its text is made elsewhere."""

    media_type = "text/plain"
    format = "txt"

    def render(self, data: Any, *_args: Any, **_options: Any) -> bytes:
        return str(data).encode()


@extend_schema(exclude=True)
class Metrics(Feed):
    """Figures of how the portal works: counts, ages and times. No broker, no login, no amount of money."""

    renderer_classes = [PlainText, JSONRenderer]
    scope = Scope.METRICS

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [RememberingAuthentication(lambda: _seen(timezone.now()) is not None)]

    def get(self, request: Request) -> HttpResponseBase:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Everything(timezone.now()))
        return HttpResponse(
            generate_latest(registry),
            content_type=CONTENT_TYPE_PLAIN_0_0_4,
            headers={"Cache-Control": "no-store"},
        )


class _Everything(Collector):
    """The facts of the database, and what the processes of this host count."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        yield from families(_seen(self._now), now=self._now)
        counted, processes = sharing.gathered()
        yield from counted
        yield GaugeMetricFamily(
            "portal_processes", "Processes of this host whose work is counted here.", value=processes
        )


def _seen(now: datetime) -> Seen | None:
    """None: the database does not answer."""
    try:
        return look.answer(lambda: reading.ask(lambda cursor: facts.seen(cursor, now=now)))
    except NoAnswer:
        return None
