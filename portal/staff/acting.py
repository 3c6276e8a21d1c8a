"""The page of one act: what will happen, what is asked, and the button; then the act, and how it came out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from payouts.refusal import Refusal
from portal.accounts.staff_roles import NotYourRole, OwnBroker


class Nothing(forms.Form):
    """An act that asks for nothing but the button."""


class Reason(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        help_text=_("Recorded with the change, for ever; staff read it, the login does not."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """An act as its page shows it."""

    title: str
    #: What will happen, sentence by sentence.
    will: list[str]
    button: str
    done: str
    #: The page it starts from and returns to, and what that is called.
    back: str
    of: str
    is_danger: bool = False
    #: Where it leads once it is done, if not back.
    then: str = ""


def act_page(
    window: Any,
    request: HttpRequest,
    asked: Asked,
    form_class: type[forms.Form],
    do: Callable[[dict[str, Any]], object],
    *,
    initial: dict[str, Any] | None = None,
    answer: Callable[[Any], Any] | None = None,
) -> HttpResponse:
    """Shows an act and, on a POST with a good form, does it by `do`. A refusal is told on the same page.

    `answer` makes the response, also a streamed one, out of what `do` gave back, where that is not the way
    back.
    """
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    form = form_class(request.POST if request.method == "POST" else None, initial=initial)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                done = do(form.cleaned_data)
            except (NotYourRole, OwnBroker) as refusal:
                raise PermissionDenied(str(refusal)) from None
            except Refusal as refusal:
                form.add_error(None, str(refusal))
                status = 409
            else:
                messages.success(request, asked.done)
                back = HttpResponseRedirect(asked.then or asked.back)
                found: HttpResponse = answer(done) if answer else back
                return found
    context = window.admin_site.each_context(request) | {
        "title": asked.title,
        "opts": window.opts,
        "asked": asked,
        "form": form,
    }
    return TemplateResponse(request, "staff/act.html", context, status=status)
