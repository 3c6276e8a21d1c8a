"""Keeps secrets out of the log: a line names the route of a request, not its address, and never a token."""

import logging

from portal.api.token_form import ANYWHERE


class RouteOnly(logging.Filter):
    """Django logs the address of each request that it refuses; some addresses are a key to something."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        match = getattr(request, "resolver_match", None)
        if request is not None and match is not None and match.kwargs and isinstance(record.args, tuple):
            route = f"/{match.route}"
            record.args = tuple(route if value == request.path else value for value in record.args)
        return True


class Line(logging.Formatter):
    """A line of the log, tracebacks included, in which a service token is shown by its prefix alone."""

    def format(self, record: logging.LogRecord) -> str:
        return ANYWHERE.sub(r"\1_…", super().format(record))
