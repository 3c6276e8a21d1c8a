"""What each process counts of its own work. Labels are names of ours, never what somebody sent."""

from typing import Any

from django.conf import settings
from django.db import connections
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

from portal.live.watch import open_streams

REGISTRY = CollectorRegistry()

#: Upper edges in seconds: a page, the bar of a second that people notice, and what a proxy gives up on.
_EDGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
REQUESTS = Histogram(
    "portal_request_seconds",
    "Until a request was answered, or its stream begun, by the name of the view and the status.",
    ["view", "status"],
    buckets=_EDGES,
    registry=REGISTRY,
)
SWEEPS = Summary("portal_sweep_seconds", "How long sweeps took.", ["task"], registry=REGISTRY)
FOUND = Counter("portal_sweep_found", "What sweeps found to do, and did.", ["task"], registry=REGISTRY)
FAILURES = Counter("portal_sweep_failures", "Sweeps that failed.", ["task"], registry=REGISTRY)
LAST = Gauge(
    "portal_sweep_last_success_timestamp_seconds",
    "When a sweep last ended well.",
    ["task"],
    registry=REGISTRY,
)
STREAMS = Gauge("portal_streams_open", "Open pages that listen for news.", registry=REGISTRY)
POOL = Gauge(
    "portal_database_pool_connections",
    "Connections of web processes to the database, by whether a request has them.",
    ["state"],
    registry=REGISTRY,
)
POOL_WAITING = Gauge(
    "portal_database_pool_waiting", "Requests that wait for a connection.", registry=REGISTRY
)
#: Gauges that tell of a moment: of several processes the latest counts. Others are of what there is: summed.
LATEST = frozenset({"portal_sweep_last_success_timestamp_seconds"})
#: Family → its kind and what it says.
FAMILIES = {each.name: (each.type, each.documentation) for each in REGISTRY.collect()}

_TASKS = frozenset(each.task for each in settings.TIMETABLE)


def swept(task: str, *, seconds: float, found: int, at: float) -> None:
    """A sweep ended well at a Unix time."""
    name = task_name(task)
    SWEEPS.labels(name).observe(seconds)
    FOUND.labels(name).inc(found)
    LAST.labels(name).set(at)
    FAILURES.labels(name)  # so that a first failure is seen as a rise from nought


def failed(task: str, *, seconds: float) -> None:
    name = task_name(task)
    SWEEPS.labels(name).observe(seconds)
    FAILURES.labels(name).inc()


def task_name(task: str) -> str:
    """The names of the timetable, and one for all others."""
    return task if task in _TASKS else "other"


def look_around() -> None:
    """Set the gauges of this process to what is the case now."""
    STREAMS.set(open_streams().total())
    # Django's own pool, if this process has opened it: nothing is opened to be counted.
    pools: dict[str, Any] = getattr(type(connections["default"]), "_connection_pools", {})
    pool = pools.get("default")
    stats = pool.get_stats() if pool is not None else {}
    idle = stats.get("pool_available", 0)
    POOL.labels("idle").set(idle)
    POOL.labels("in_use").set(stats.get("pool_size", 0) - idle)
    POOL_WAITING.set(stats.get("requests_waiting", 0))
