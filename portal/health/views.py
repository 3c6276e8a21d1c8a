"""What monitors and load balancers ask: does this process answer, is its database ready, does all work."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed, JsonResponse
from django.utils import timezone

from portal.health import answers, reading
from portal.health.reading import NoAnswer, Watch
from portal.health.signs import Facts, signs

#: Kept for each process: many monitors ask no more of the database than one.
is_ready: Watch[bool] = Watch(keeps=1)
status_facts: Watch[Facts] = Watch(keeps=5)

View = Callable[[HttpRequest], HttpResponseBase]


def healthz(request: HttpRequest) -> HttpResponseBase:
    """This process answers; nothing else is asked."""
    return _read(request, lambda: HttpResponse("ok\n", content_type="text/plain; charset=utf-8"))


def readyz(request: HttpRequest) -> HttpResponseBase:
    """The database is there and migrated, else 503. Workers do not matter: without any, the feed goes on."""
    return _read(request, _readiness)


def status(request: HttpRequest) -> HttpResponseBase:
    """Everything in one JSON. Always a 200 while this process lives: `state` says how it is."""
    return _read(request, _status)


def _readiness() -> HttpResponse:
    try:
        why = "" if is_ready.answer(reading.is_migrated) else "migrations are missing"
    except NoAnswer:
        why = "the database does not answer"
    text = f"not ready: {why}\n" if why else "ready\n"
    return HttpResponse(text, status=503 if why else 200, content_type="text/plain; charset=utf-8")


def _status() -> HttpResponse:
    now = timezone.now()
    found: Facts | None
    try:
        found = status_facts.answer(lambda: reading.facts(now=now))
    except NoAnswer:
        found = None
    return JsonResponse(
        answers.as_json(found, signs(found, now=now), now=now), json_dumps_params={"indent": 1}
    )


def _read(request: HttpRequest, answer: Callable[[], HttpResponse]) -> HttpResponseBase:
    if request.method not in ("GET", "HEAD"):
        response: HttpResponse = HttpResponseNotAllowed(["GET", "HEAD"])
    else:
        response = answer()
    response["Content-Length"] = str(len(response.content))
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


#: Where they are. `portal.health.first` answers these before anything else of the portal is asked.
PATHS: dict[str, View] = {"/healthz": healthz, "/readyz": readyz, "/status.json": status}
