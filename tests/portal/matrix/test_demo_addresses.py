"""The pages of the demo: open to everybody there, and nowhere else at all."""

from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.test import Client, override_settings

from portal.letters import mailbox
from tests.portal.matrix.addresses import addresses, demo_urls
from tests.portal.matrix.knocking import knock
from tests.portal.matrix.tables import FOLDER, expected
from tests.portal.matrix.test_matrix import ADDRESSES
from tests.portal.matrix.visitors import VISITORS
from tests.portal.matrix.world import World

DEMO = demo_urls()
OF_THE_DEMO = {each.route: each for each in addresses(DEMO) if each.route not in ADDRESSES}
EXPECTED = expected(FOLDER / "demo")


def test_every_address_of_the_demo_has_a_row_and_every_row_an_address() -> None:
    assert sorted(EXPECTED) == sorted(OF_THE_DEMO)


@pytest.mark.parametrize("route", sorted(OF_THE_DEMO))
def test_each_visitor_of_the_demo_gets_what_the_table_says(
    route: str, client: Client, world: World, tmp_path: Path
) -> None:
    with override_settings(ROOT_URLCONF=DEMO, EMAIL_FILE_PATH=str(tmp_path)):
        mailbox.MailboxBackend().send_messages([EmailMessage("Hello", "Text", to=["own@example.com"])])
        found: Any = {
            line: {visitor: knock(client, OF_THE_DEMO[route], line, visitor, world).word for visitor in words}
            for line, words in EXPECTED[route].items()
        }

    assert found == EXPECTED[route]


@pytest.mark.parametrize(
    "path", ["/demo/codes/", "/demo/mailbox/", "/demo/mailbox/20261122T120000000000-00000000/"]
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_outside_the_demo_its_pages_do_not_exist(
    path: str, method: str, client: Client, world: World
) -> None:
    for visitor in VISITORS:
        client.cookies.clear()
        if visitor in world.sessions:
            client.cookies["sessionid"] = world.sessions[visitor]
        assert getattr(client, method)(path).status_code == 404, visitor
