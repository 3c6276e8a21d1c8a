"""What went wrong with a letter: whose fault it is, whether it may pass, and one line about it."""

import re
import smtplib
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from portal.letters.rendering import one_line

_LONGEST = 300
#: What a mail server says at once to a letter that is longer than it takes; a shorter one fares better.
_TOO_LONG = 552
_OTHER_NAME = (62, 64)  # OpenSSL's: the certificate is for another name, or another address
#: A part of a secret link that is at least this long is taken out of what a mail server says.
_SECRET_FROM = 8


@dataclass(frozen=True, slots=True)
class Fault:
    """What an attempt failed by."""

    #: One line for staff.
    text: str
    #: The mail server refused this letter for good (5xx).
    is_refusal: bool = False
    #: It was the way to the mail server, not this letter: the next one would fare no better.
    is_of_server: bool = False


def fault_of(problem: Exception, *, link: str | None) -> Fault:
    """The fault behind an exception of an attempt; its line holds nothing of the secret link."""
    code: int
    words: bytes | str
    match problem:
        case smtplib.SMTPRecipientsRefused():
            code, words = next(iter(problem.recipients.values()))
        case smtplib.SMTPResponseException():
            code, words = problem.smtp_code, problem.smtp_error
        case ssl.SSLCertVerificationError():
            return Fault(_line(_certificate(problem), link), is_of_server=True)
        case smtplib.SMTPNotSupportedError() if "STARTTLS" in str(problem):
            # Whoever stands between may have taken the offer away.
            return Fault(
                "it offers no encryption (STARTTLS), and letters never leave in the clear", is_of_server=True
            )
        case OSError():  # no route, timeout, broken off, TLS; SMTPException is one of them
            return Fault(_line(str(problem) or type(problem).__name__, link), is_of_server=True)
        case _:  # the letter cannot be written down as one, for example its address
            return Fault(f"cannot be sent: {type(problem).__name__}", is_refusal=True)
    # 421 says goodbye; a sender, login or greeting that is refused would be for every letter.
    ours = isinstance(problem, smtplib.SMTPSenderRefused | smtplib.SMTPAuthenticationError)
    ours = ours and code != _TOO_LONG
    ours = ours or isinstance(problem, smtplib.SMTPConnectError | smtplib.SMTPHeloError)
    line = _line(f"{code} {_text(words)}", link)
    if ours or code == 421:
        return Fault(line, is_of_server=True)
    return Fault(line, is_refusal=500 <= code < 600)


def _certificate(problem: ssl.SSLCertVerificationError) -> str:
    if problem.verify_code in _OTHER_NAME:
        return f"its certificate is for another name: {problem.verify_message}"
    return f"nobody whom we trust vouches for its certificate: {problem.verify_message}"


def _text(words: bytes | str) -> str:
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else words


def _line(text: str, link: str | None) -> str:
    return one_line(without_secret(text, link))[:_LONGEST]


def without_secret(text: str, link: str | None) -> str:
    """The text without the secret link and its parts: some servers quote what they refuse."""
    if not link:
        return text
    parts = urlsplit(link)
    pieces = [link, *re.split(r"[/?&=#;]", f"{parts.path}?{parts.query}#{parts.fragment}")]
    for piece in sorted(pieces, key=len, reverse=True):
        if len(piece) >= _SECRET_FROM:
            text = text.replace(piece, "…")
    return text
