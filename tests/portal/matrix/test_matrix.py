"""Who may open and send what: every address of the portal × every kind of visitor, with literal expectations.

The tables stand in `expected/*.txt`, one block an address, one line a method, one cell a visitor:

    /brokers/<int:code>/
             none  strng appl  …
      GET    login 404   404   …
      POST   405   405   405   …

Columns are explained in `visitors.py`. Each cell is really asked, over the whole stack of middleware; it says

    200 204 401 403 404 405 406 409 422   the status of the answer
    login    the login page, and back here afterwards
    mfa      the set-up page: the role needs a second factor and the login has none
    mfa!     403, set up a second factor first; json! the same as JSON, for machines
    again    the page that asks the login to prove itself once more, and back here afterwards
    ok       let in: redirected to the page that `asked.py` names; a POST has changed something
    back     redirected to that page, and nothing was changed
    home dash list apply appl staff totp door
             redirected to the first page, the broker's dashboard, the list of brokers, the page for
             applicants, the open application, the staff site, the page of the authenticator app, the login
             page without a way back
    *        behind any of these: a reading or a refusal that wrote to the database all the same, as where
             staff look at a broker's pages, each of which is put on record

To add an address (a test fails until it is done): write its block, cell by cell, from what the design says:
another's thing is a 404, a role without the act is a 403, a missing second factor is the set-up page, nobody
is asked to log in. If its address has something in it, or its POST needs a form, add it to `asked.py`, or to
`asked_of_brokers.py` or `asked_of_staff.py`. Give what opens it a line in `test_tables_of_roles.py`. Run

    pytest -n 0 tests/portal/matrix -k "brokers"

A failure names address, method and columns, and prints the line as it really is. Where they differ, find out
first which of the two is wrong; a hole must never be written down as expected.

To add a visitor: a column in `visitors.py`, a login in `world.py`, a cell in each line.
"""

import pytest
from django.test import Client

from tests.portal.matrix.addresses import Address, addresses
from tests.portal.matrix.asked import ASKED, Asked
from tests.portal.matrix.knocking import METHODS, knock
from tests.portal.matrix.tables import FOLDER, Lines, expected, read, written
from tests.portal.matrix.visitors import VISITORS
from tests.portal.matrix.world import World

ADDRESSES = {each.route: each for each in addresses()}
EXPECTED = expected()
ROWS = [(route, line) for route, lines in EXPECTED.items() for line in lines]


def without_row(found: dict[str, Address], tables: dict[str, Lines]) -> list[str]:
    return sorted(
        f"/{route} {line}" for route in found for line in ("GET", "POST") if line not in tables.get(route, {})
    )


def test_every_address_has_a_row_for_reading_and_one_for_sending() -> None:
    assert without_row(ADDRESSES, EXPECTED) == []


def test_every_row_has_an_address() -> None:
    assert sorted(EXPECTED.keys() - ADDRESSES.keys()) == []
    assert sorted({line for _route, line in ROWS} - METHODS.keys()) == []


def test_what_is_asked_is_asked_of_an_address() -> None:
    assert sorted(route for route in ASKED.keys() - ADDRESSES.keys() if not route.startswith("demo/")) == []


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.txt")), ids=lambda file: file.name)
def test_a_table_is_written_as_it_is_printed_so_that_a_diff_shows_only_what_changed(file: object) -> None:
    text = file.read_text()  # type: ignore[attr-defined]
    remarks = [line for line in text.splitlines() if line.startswith("#")]
    blocks = [written(route, lines) for route, lines in read(text).items()]

    assert text == "\n".join(["\n".join(remarks) + "\n", *blocks])


@pytest.mark.parametrize(("route", "line"), ROWS, ids=[f"{line} /{route}" for route, line in ROWS])
def test_each_visitor_gets_what_the_table_says(route: str, line: str, client: Client, world: World) -> None:
    ASKED.get(route, Asked()).before(world)
    answers = {
        visitor: knock(client, ADDRESSES[route], line, visitor, world) for visitor in EXPECTED[route][line]
    }

    cells = EXPECTED[route][line]
    wrong = {
        f"{visitor} ({VISITORS[visitor]})": (f"expected {cells[visitor]}, got", answer)
        for visitor, answer in answers.items()
        if answer.word != cells[visitor]
    }
    really = written(route, {line: {visitor: answer.word for visitor, answer in answers.items()}})
    assert wrong == {}, f"really:\n{really}"
