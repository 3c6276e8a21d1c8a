"""What the pages of standing share: the broker, the way back, who is told."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from payouts.program.models import Broker
from portal.team import queries as team


def page_of(broker: Broker) -> str:
    return reverse("admin:payouts_broker_change", args=[broker.pk])


def people(broker: Broker) -> str:
    """Who gets letters about the standing: every member whose login is not switched off."""
    addresses = [each.login.email for each in team.team(broker.code) if each.login.is_active]
    return ", ".join(addresses) or _("nobody, as the team has no members")


def shown(
    window: Any,
    request: HttpRequest,
    broker: Broker,
    page: str,
    title: str,
    *,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    return TemplateResponse(
        request,
        f"staff/standing/{page}.html",
        window.admin_site.each_context(request)
        | {
            "title": title,
            "opts": window.opts,
            "broker": broker,
            "back": page_of(broker),
            "people": people(broker),
        }
        | context,
        status=status,
    )
