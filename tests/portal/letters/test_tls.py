"""Letters leave encrypted to whom we trust where that was asked for, or not at all."""

import pytest

from portal.letters.models import Letter
from tests.portal.letters.conftest import a_letter, through
from tests.portal.letters.post_office import open_office, tls_of

pytestmark = pytest.mark.django_db


def test_a_letter_never_leaves_in_the_clear_where_tls_was_asked_for(office, sweep, settings):
    settings.EMAIL_USE_TLS = True
    a_letter()

    assert sweep() == 0
    assert office.arrived == []
    assert Letter.objects.get().last_error == (
        "the mail server cannot be reached: STARTTLS extension not supported by server."
    )


@pytest.mark.parametrize(
    ("setting", "offered"), [("EMAIL_USE_TLS", "tls_context"), ("EMAIL_USE_SSL", "tls_at_once")]
)
def test_a_letter_never_leaves_by_a_server_whose_certificate_nobody_vouches_for(
    sweep, settings, tmp_path, setting, offered
):
    with open_office(**{offered: tls_of(tmp_path)}) as office:
        through(settings, office.port)
        setattr(settings, setting, True)
        a_letter()

        assert sweep() == 0
        assert office.arrived == []
    letter = Letter.objects.get()
    assert letter.state == "written"
    assert "certificate verify failed: self-signed certificate" in letter.last_error


@pytest.mark.parametrize(
    ("setting", "offered"), [("EMAIL_USE_TLS", "tls_context"), ("EMAIL_USE_SSL", "tls_at_once")]
)
def test_a_letter_leaves_by_a_server_whose_certificate_is_vouched_for(
    sweep, settings, tmp_path, monkeypatch, setting, offered
):
    with open_office(**{offered: tls_of(tmp_path)}) as office:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        through(settings, office.port)
        settings.EMAIL_HOST = "localhost"
        setattr(settings, setting, True)
        a_letter()

        assert sweep() == 1
        assert len(office.arrived) == 1
