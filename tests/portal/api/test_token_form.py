"""The form of a token: recognised at sight, mistypings told apart, and shown by nothing that shows it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.api.token_form import ANYWHERE, ID_LETTERS, SECRET_LETTERS, Secret, assemble, checksum

GOOD = assemble(word="codes", id_letters="7f3k9q2m", secret_letters="A" * 43)


def test_a_token_reads_as_the_readme_says() -> None:
    assert GOOD.reveal() == "bpk_codes_7f3k9q2m_" + "A" * 43 + checksum("bpk_codes_7f3k9q2m_" + "A" * 43)
    assert (GOOD.prefix, GOOD.is_well_formed, len(GOOD.reveal())) == ("bpk_codes_7f3k9q2m", True, 68)


@pytest.mark.parametrize(("head", "sum_"), [("", "000000"), ("a", "4GEHKN"), ("bpk_codes", "22De5Z")])
def test_the_checksum_is_crc_32_in_base_62(head: str, sum_: str) -> None:
    assert checksum(head) == sum_


@given(st.text(ID_LETTERS, min_size=8, max_size=8), st.text(SECRET_LETTERS, min_size=43, max_size=43))
def test_every_token_that_is_drawn_is_well_formed(id_letters: str, secret_letters: str) -> None:
    made = assemble(word="codes", id_letters=id_letters, secret_letters=secret_letters)

    assert made.is_well_formed
    assert made.prefix == f"bpk_codes_{id_letters}"
    assert re.fullmatch("[0-9a-f]{64}", made.hash)


@given(st.integers(19, 67), st.sampled_from(SECRET_LETTERS))
def test_one_wrong_letter_is_told_apart(place: int, letter: str) -> None:
    text = GOOD.reveal()
    wrong = text[:place] + letter + text[place + 1 :]

    assert Secret(wrong).is_well_formed == (wrong == text)


@given(st.integers(0, 66))
def test_two_neighbours_changed_about_are_told_apart(place: int) -> None:
    text = GOOD.reveal()
    wrong = text[:place] + text[place + 1] + text[place] + text[place + 2 :]

    assert Secret(wrong).is_well_formed == (wrong == text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "bpk",
        "bpk_codes_7f3k9q2m",
        GOOD.reveal()[:-1],
        GOOD.reveal() + "A",
        GOOD.reveal() + "\n",
        GOOD.reveal().upper(),
        "é" * 68,
        "\ud800",
        "\0",
        "A" * 1_000_000,
        f" {GOOD.reveal()}",
    ],
    ids=str,
)
def test_what_cannot_be_a_token_is_none(text: str) -> None:
    assert not Secret(text).is_well_formed
    assert len(Secret(text).hash) == 64


@given(st.text())
def test_any_text_is_looked_at_without_a_fault(text: str) -> None:
    found = Secret(text)

    assert found.is_well_formed is False
    assert text not in repr(found) or text in "<token of no form…>"


def test_it_shows_its_prefix_alone_wherever_it_is_shown() -> None:
    assert repr(GOOD) == f"{GOOD}" == "<token bpk_codes_7f3k9q2m…>"
    assert GOOD.hash not in repr([GOOD])
    assert ANYWHERE.sub(r"\1_…", f"x={GOOD.reveal()}&y") == "x=bpk_codes_7f3k9q2m_…&y"
