"""Files that staff add: how many, how large, and what they are, before anything is done with them."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile

from payouts.desk.evidence import NewFile
from portal.staff.evidence import Files
from tests.portal.application import papers
from tests.portal.staff import make_standing as the


def sized(name: str, megabytes: int) -> SimpleUploadedFile:
    """A file that says it is so large, as the bounded upload leaves it."""
    found = the.pdf(name)
    found.size = megabytes * 1024 * 1024
    return found


def refused(files: list[Any], **options: Any) -> str:
    with pytest.raises(ValidationError) as found:
        Files(**options).clean(files)
    return " ".join(found.value.messages)


def test_a_file_becomes_what_its_content_is_under_a_harmless_name() -> None:
    picture = papers.png()
    sent = SimpleUploadedFile("..\\evil\u202e<b>.PNG", picture, content_type="text/html")

    assert Files().clean([sent]) == [NewFile("evil_b_.png", "image/png", picture)]


def test_none_is_no_fault_where_none_is_needed() -> None:
    assert Files(required=False).clean([]) == []
    assert refused([]) == "This field is required."


def test_ten_are_taken_and_eleven_are_not() -> None:
    ten = [the.pdf(f"{number}.pdf") for number in range(10)]

    assert len(Files().clean(ten)) == 10
    assert refused([*ten, the.pdf()]) == "Choose at most 10 files at once; add the rest afterwards."


def test_together_they_are_not_larger_than_one_request_may_be() -> None:
    assert "20 MB together" in refused([sized("a.pdf", 7), sized("b.pdf", 7), sized("c.pdf", 7)])


def test_one_file_with_a_fault_refuses_all_and_is_named() -> None:
    files = [the.pdf(), SimpleUploadedFile("a.html", b"<html>")]

    assert refused(files).startswith("a.html: This is neither a PDF nor a PNG or JPEG picture")


def test_a_file_beyond_ten_megabytes_is_refused() -> None:
    large = the.pdf("a.pdf", papers.pdf() + b" " * (10 * 1024 * 1024))

    assert refused([large]).startswith("a.pdf: The file is larger than 10 MB")
