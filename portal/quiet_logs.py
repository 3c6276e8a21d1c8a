"""Keeps secret links out of the log: a line names the route of a request, not its address."""

import logging


class RouteOnly(logging.Filter):
    """Django logs the address of each request that it refuses; some addresses are a key to something."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        match = getattr(request, "resolver_match", None)
        if request is not None and match is not None and match.kwargs and isinstance(record.args, tuple):
            route = f"/{match.route}"
            record.args = tuple(route if value == request.path else value for value in record.args)
        return True
