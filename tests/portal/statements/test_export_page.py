"""The page of a file that was asked for: watched, taken for a week, by nobody else."""

import json
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import Client

from portal.models import Activity, Export, ExportPart
from portal.statements import expiry
from tests import make
from tests.portal.page_text import links_of, text_of
from tests.portal.staff.browsing import at
from tests.portal.statements.asking_for import NOVEMBER_CSV, PREPARE, asked, made_all, page_of, taken
from tests.portal.statements.looking import looking, member, pages_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(db: None) -> Iterator[Any]:
    with time_machine.travel(make.NOW, tick=False) as traveller:
        make.broker(code=1400, name="Meridian")
        yield traveller


class TestThePage:
    def test_while_it_is_made_the_page_says_how_far_it_is(self) -> None:
        client, _ = member()
        export = asked(client)
        Export.objects.filter(pk=export.pk).update(
            state="working", lease_until=make.NOW, done=4_000, total=12_500
        )

        page = client.get(page_of(export))

        assert "November 2026 as CSV Asked for by mia@example.com, 2026-11-22 12:00:00 UTC." in text_of(page)
        assert "4000 of 12,500 lines" in text_of(page)
        assert f'data-progress="{page_of(export)}"' in page.content.decode()
        figures = client.get(page_of(export), headers={"Accept": "application/json"})
        assert json.loads(figures.content) == {"works": True, "done": 4_000, "all": 12_500}
        assert client.get(f"{page_of(export)}file").headers["Location"] == page_of(export)

    def test_when_it_is_ready_the_page_has_the_link_and_says_until_when(self) -> None:
        client, _ = member()
        export = asked(client)
        made_all()

        page = client.get(page_of(export))

        assert "It is here until 2026-11-29 12:00:00 UTC; then it is removed." in text_of(page)
        assert f"{page_of(export)}file" in links_of(page)
        listed = client.get("/brokers/1400/statements/")
        assert (
            "Files that you asked for November 2026 as CSV asked for 2026-11-22 12:00:00 UTC ready"
            in text_of(listed)
        )

    def test_every_taking_is_written_down_once(self) -> None:
        client, _ = member()
        export = asked(client)
        made_all()
        content = taken(client, export)
        client.head(f"{page_of(export)}file")
        again = client.get(
            f"{page_of(export)}file", headers={"If-None-Match": f'"{sha256(content).hexdigest()}"'}
        )

        assert again.status_code == 304
        assert list(Activity.objects.filter(kind="downloaded").values_list("about", flat=True)) == [
            "backpack-broker-1400-2026-11-draft.csv"
        ]

    def test_after_a_week_it_has_expired_and_an_hour_later_its_bytes_are_gone(self, clock: Any) -> None:
        client, login = member()
        export = asked(client)
        made_all()
        clock.shift(timedelta(days=7, seconds=1))
        client = at(login)

        page = client.get(page_of(export))
        assert page.status_code == 410
        assert "It has expired" in text_of(page)
        assert "Ask again" in text_of(page)
        assert client.get(f"{page_of(export)}file").status_code == 302

        assert expiry.expire_due(now=make.NOW + timedelta(days=7, minutes=59)) == 0
        assert expiry.expire_due(now=make.NOW + timedelta(days=7, hours=2)) == 1
        export.refresh_from_db()
        assert (export.state, ExportPart.objects.count()) == ("expired", 0)
        assert client.get(page_of(export)).status_code == 410
        assert asked(client).pk != export.pk

    def test_only_who_asked_and_owners_open_it(self) -> None:
        client, _ = member()
        export = asked(client)
        made_all()
        by_role = {
            "owner": member("owner", name="olga"),
            "finance": member("finance", name="finn"),
            "viewer": member("viewer", name="vera"),
            "developer": member("developer", name="dev"),
        }

        for address in (page_of(export), f"{page_of(export)}file"):
            assert {role: seat[0].get(address).status_code for role, seat in by_role.items()} == {
                "owner": 200,
                "finance": 404,
                "viewer": 404,
                "developer": 403,
            }
            stranger, _ = member("owner", code=1500, name=f"sam{len(address)}")
            assert stranger.get(address).status_code == 404
            assert stranger.get(address.replace("1400", "1500")).status_code == 404
            assert Client().get(address).status_code == 302
        assert client.get(f"/brokers/1400/statements/files/{uuid4()}/").status_code == 404

    def test_who_left_the_team_opens_it_no_more(self) -> None:
        client, login = member()
        export = asked(client)
        made_all()
        login.memberships.all().delete()

        assert client.get(f"{page_of(export)}file").status_code == 404

    def test_staff_who_look_may_see_it_and_ask_for_nothing(self) -> None:
        client, _ = member()
        export = asked(client)
        made_all()
        staff, look = looking()

        page = staff.get(page_of(export))
        assert page.status_code == 200
        assert staff.get(f"{page_of(export)}file").status_code == 200
        assert staff.post(PREPARE, NOVEMBER_CSV).status_code == 403
        assert pages_of(look) == [
            page_of(export),
            f"{page_of(export)}file",
        ]
        assert not Activity.objects.filter(kind="downloaded").exists()
