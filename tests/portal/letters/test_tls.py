"""Letters leave encrypted to whom we trust where that was asked for, or not at all."""

import ssl

import pytest
from django.core.mail import get_connection

from portal.letters.models import Letter
from tests.portal.letters.conftest import a_letter, through
from tests.portal.letters.post_office import open_office, tls_of

pytestmark = pytest.mark.django_db
BOTH_WAYS = pytest.mark.parametrize(
    ("setting", "offered"), [("EMAIL_USE_TLS", "tls_context"), ("EMAIL_USE_SSL", "tls_at_once")]
)


def test_a_letter_never_leaves_in_the_clear_where_tls_was_asked_for(office, sweep, settings):
    settings.EMAIL_USE_TLS = True
    a_letter()

    assert sweep() == 0
    assert office.arrived == []
    letter = Letter.objects.get()
    assert (letter.state, letter.attempts) == ("written", 0)
    assert letter.last_error == (
        "the mail server cannot be reached:"
        " it offers no encryption (STARTTLS), and letters never leave in the clear"
    )


@BOTH_WAYS
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
    assert letter.last_error == (
        "the mail server cannot be reached:"
        " nobody whom we trust vouches for its certificate: self-signed certificate"
    )


@BOTH_WAYS
@pytest.mark.parametrize(
    ("host", "what"), [("localhost", "Hostname mismatch"), ("127.0.0.1", "IP address mismatch")]
)
def test_a_letter_never_leaves_by_a_server_whose_certificate_is_for_another_name(
    sweep, settings, tmp_path, monkeypatch, setting, offered, host, what
):
    """Somebody stands between us and the mail server, with a certificate that is good for his own name."""
    with open_office(**{offered: tls_of(tmp_path, host="mail.example.net")}) as office:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        through(settings, office.port)
        settings.EMAIL_HOST = host
        setattr(settings, setting, True)
        a_letter()

        assert sweep() == 0
        assert office.arrived == []
    letter = Letter.objects.get()
    assert (letter.state, letter.attempts) == ("written", 0)
    assert letter.last_error.startswith(
        f"the mail server cannot be reached: its certificate is for another name: {what}"
    )


def test_certificates_and_names_are_verified_unless_a_setting_of_ours_replaces_that(settings):
    """`EMAIL_SSL_CERTFILE` would make Django trust no authority that the machine trusts: it stays unset."""
    assert (settings.EMAIL_SSL_CERTFILE, settings.EMAIL_SSL_KEYFILE) == (None, None)
    context = get_connection("django.core.mail.backends.smtp.EmailBackend").ssl_context
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_a_letter_waits_until_the_server_is_one_to_trust_again(sweep, settings, clock, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    settings.EMAIL_USE_TLS = True
    with open_office() as stripped:
        through_tls(settings, stripped.port)
        a_letter()
        assert sweep() == 0
    clock.goes_on(days=4)
    with open_office(tls_context=tls_of(tmp_path)) as office:
        through_tls(settings, office.port)

        assert sweep() == 1
    assert len(office.arrived) == 1
    assert stripped.arrived == []


def through_tls(settings, port):
    through(settings, port)
    settings.EMAIL_HOST, settings.EMAIL_USE_TLS = "localhost", True


@BOTH_WAYS
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
