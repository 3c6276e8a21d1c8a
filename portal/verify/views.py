"""The page that verifies, and what is needed to verify without it."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from payouts.statements import verify_statement
from payouts.statements.keys import published_keys
from portal.verify import arriving, limits, queries
from portal.verify.forms import Question

_PROGRAM = Path(verify_statement.__file__).read_bytes()
_PROGRAM_SHA256 = sha256(_PROGRAM).hexdigest()


@csrf_exempt  # `_answered` checks it: before, nobody may read the body, or the file would be kept
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponseBase:
    """Answers about a file or a digest. `?part=answer` is only the answer, for the page's script."""
    if request.method != "POST":
        return _page(request, Question())
    if limits.is_too_often(request):
        if _is_part(request):
            return render(request, "verify/answer.html", {"is_too_often": True}, status=429)
        return render(request, "429.html", status=429)
    request.upload_handlers = [arriving.Hashing(request)]
    return _answered(request)


@csrf_protect
@sensitive_post_parameters("digest")
def _answered(request: HttpRequest) -> HttpResponse:
    form = Question(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form, status=422)
    file = form.cleaned_data["file"]
    if file is None:
        answer = queries.of_digest(form.cleaned_data["digest"])
    else:
        answer = queries.of_file(file.digest, file.content)
    return _page(request, Question(), answer=answer)


def _is_part(request: HttpRequest) -> bool:
    return request.GET.get("part") == "answer"


def _page(request: HttpRequest, form: Question, *, status: int = 200, **shown: Any) -> HttpResponse:
    template = "verify/answer.html" if _is_part(request) else "verify/page.html"
    shown |= {
        "form": form,
        "is_part": _is_part(request),
        "program_sha256": _PROGRAM_SHA256,
        "read_up_to": arriving.READ_UP_TO,
    }
    return render(request, template, shown, status=status)


@require_safe
def keys(request: HttpRequest) -> HttpResponseBase:
    """Every public key that ever signed a statement, for anybody's program and any page's script."""
    content = json.dumps(published_keys(), indent=1).encode() + b"\n"
    return _kept(
        request, HttpResponse(content, content_type="application/json"), {"Access-Control-Allow-Origin": "*"}
    )


@require_safe
def program(request: HttpRequest) -> HttpResponseBase:
    """The program that verifies without the portal: the very file that the portal itself uses."""
    return _kept(
        request,
        HttpResponse(_PROGRAM, content_type="text/x-python; charset=utf-8"),
        {"Content-Disposition": 'attachment; filename="verify_statement.py"'},
    )


def _kept(request: HttpRequest, response: HttpResponse, headers: dict[str, str]) -> HttpResponseBase:
    """A file that may be kept by anybody, and is asked about each time.

    An old list of keys would call the first statement of a new one a forgery, an old program would not be the
    one whose SHA-256 the page says.
    """
    etag = f'"{sha256(response.content).hexdigest()}"'
    response.headers["ETag"] = etag
    answer = get_conditional_response(request, etag=etag, response=response) or response
    for name, value in ({"Cache-Control": "public, no-cache"} | headers).items():
        answer.headers[name] = value
    return answer
