"""Numbers, signs and instants that no page made, at every new address: refused, never a broken page."""

from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from tests import make
from tests.portal.staff.browsing import at

pytestmark = pytest.mark.django_db
NUMBERS = ["65536", str(2**63)]


def routes(prefix: str) -> list[str]:
    found: list[str] = []

    def walk(patterns: Any, before: str) -> None:
        for each in patterns:
            here = before + str(each.pattern)
            if isinstance(each, URLResolver):
                walk(each.url_patterns, here)
            elif isinstance(each, URLPattern) and here.startswith(prefix) and "<int:" in here:
                found.append(here)

    walk(get_resolver().url_patterns, "")
    return found


def filled(route: str, code: str, number: str) -> str:
    other = {
        "uuid": "00000000-0000-4000-8000-000000000000",
        "month": "2026-10",
        "str": "x",
        "path": number,
        "line": f"T-AAAAAAAAAAAA~spot~{number[:3]}~{number[:3]}.{number}",
        "fill": f"SOL_USDC~{number}~{number}",
    }
    made = "/" + route
    while "<" in made:
        before, _, rest = made.partition("<")
        blank, _, after = rest.partition(">")
        kind, _, name = blank.partition(":")
        value = (code if name == "code" else number) if kind == "int" else other[kind]
        made = before + value + after
    return made


@pytest.mark.parametrize("number", NUMBERS)
def test_no_number_in_an_address_breaks_a_page(number: str) -> None:
    broker = make.broker()
    olga = make.login()
    make.membership(olga, broker)
    root = at(make.login(email="root@exchange.example", is_staff=True, is_superuser=True), proven=True)
    owner = at(olga, proven=True)
    for prefix, client in (("staff/", root), ("brokers/", owner)):
        for route in routes(prefix):
            for address in {filled(route, "1400", number), filled(route, number, number)}:
                for answer in (client.get(address), client.post(address)):
                    assert answer.status_code < 500, (address, answer.status_code)


LISTS = ("payouts/broker", "payouts/case", "payouts/accountchange", "portal/servicetoken", "portal/viewas")
ASKED = (
    "q=%00", "q=%25", "q=%ED%A0%80", f"q={'9' * 40}", f"p={'9' * 40}", f"o={'9' * 40}", "id__in=1",
    "state=%00", "broker=%00", "kind=%00", "owner=%00", f"owner={'9' * 40}", "standing=%00", "who=%00",
    "broker__account_id=x", "asked_by__password__startswith=p", "token_hash__startswith=a", "_facets=True",
)  # fmt: skip


@pytest.mark.parametrize("page", LISTS)
def test_nothing_asked_of_a_list_of_staff_breaks_it(page: str) -> None:
    make.broker()
    root = at(make.login(email="root@exchange.example", is_staff=True, is_superuser=True), proven=True)
    for asked in ASKED:
        answer = root.get(f"/staff/{page}/?{asked}")
        assert answer.status_code < 500, (page, asked, answer.status_code)
