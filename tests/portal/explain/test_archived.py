"""A month whose fills lie in the archive: its lines still explain it, and pages say where its fills are."""

from pathlib import Path

import pytest
import time_machine

from payouts.feed import archive
from payouts.monthend import actions as monthend
from tests import make
from tests.portal.explain import opening
from tests.portal.explain.test_adding_up_twin import ALL, DAYS, LINES, MONTH, SEVEN, WRONG
from tests.portal.page_text import text_of
from tests.portal.statements.looking import member

SAID = "The single fills of this month are in the archive."


@pytest.fixture
def archived(committed_db: str, tmp_path: Path) -> None:
    with time_machine.travel(make.NOW, tick=False):
        make.broker()
        opening.october()
        monthend.calculate(month=opening.OCTOBER, now=make.NOW)
        archive.archive(opening.OCTOBER, folder=tmp_path, now=make.NOW)


def test_the_lines_of_an_archived_month_explain_it_and_its_fills_are_said_to_be_in_the_archive(
    archived: None,
) -> None:
    with time_machine.travel(make.NOW, tick=False):
        client = member()[0]
        said = {name: text_of(client.get(path)) for name, path in ALL.items()}

    assert {name for name, text in said.items() if WRONG in text} == set()
    assert {name for name, text in said.items() if SAID in text} == {"days", "line of 7", "line of 9"}


def test_restored_it_opens_down_to_its_fills_again(archived: None, tmp_path: Path) -> None:
    archive.restore(opening.OCTOBER, folder=tmp_path, now=make.NOW)

    with time_machine.travel(make.NOW, tick=False):
        client = member()[0]
        said = [text_of(client.get(path)) for path in (MONTH, LINES, DAYS, SEVEN)]

    assert [text for text in said if WRONG in text or SAID in text] == []
