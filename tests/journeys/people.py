"""What people do in a browser, step by step: sign up, log in, set up factors, apply, review."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page

from portal.simulator.people import code_at
from tests import make
from tests.journeys.town import Town

PASSWORD = "correct horse battery"
SCAN = Path(__file__).resolve().parents[1] / "data" / "documents" / "certificate.pdf"


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def sign_up(page: Page, town: Town, email: str, name: str) -> None:
    """From the sign-up form over the letter to the first page of a login."""
    page.goto(f"{town.address}/accounts/signup/")
    page.get_by_label("Your name").fill(name)
    page.get_by_label("E-mail address at work").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    press(page, "Sign up")
    confirm_address(page, town, email)
    log_in(page, town, email)


def confirm_address(page: Page, town: Town, email: str) -> None:
    page.goto(town.mailbox.link(email, "Confirm your e-mail address"))
    press(page, "Confirm")


def log_in(page: Page, town: Town, email: str, *, code: str = "") -> None:
    if "/accounts/login/" not in page.url:
        page.goto(f"{town.address}/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Log in")
    if code:
        page.get_by_label("Code").fill(code)
        press(page, "Log in")
    page.wait_for_url(lambda url: "/accounts/" not in url)


def staff_logs_in(page: Page, town: Town, email: str) -> None:
    """The staff of the tests share one secret; each login's codes are its own."""
    page.goto(f"{town.address}/staff/")
    log_in(page, town, email, code=code_at(make.TOTP_SECRET, datetime.now(UTC)))
    page.wait_for_url("**/staff/")


def set_up_app(page: Page, town: Town) -> str:
    """An authenticator app; its secret, which the page shows once."""
    page.goto(f"{town.address}/accounts/2fa/totp/activate/")
    confirms_password(page)
    secret = page.locator("#totp_secret").inner_text()
    page.get_by_label("Code").fill(code_at(secret, datetime.now(UTC)))
    press(page, "Use this app")
    page.wait_for_url("**/recovery-codes/**")
    return secret


@contextmanager
def authenticator(page: Page) -> Iterator[None]:
    """A fingerprint reader that always agrees, in place of a finger."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    yield
    session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": made["authenticatorId"]})


def apply(page: Page, town: Town, *, account: str, company: str = "Nadir Terminal GmbH") -> None:
    """From the Apply button to the page on which everything is shown once more."""
    page.goto(f"{town.address}/apply/")
    press(page, "Start the application")
    fill_business(page, company)
    page.get_by_label("Name", exact=True).fill("Nadia Okafor")
    page.get_by_label("Position in the business").fill("Managing director")
    press(page, "Save and continue")
    page.get_by_label("Id of your business account").fill(account)
    press(page, "Save and continue")


def fill_business(page: Page, company: str) -> None:
    page.get_by_label("Legal name").fill(company)
    page.get_by_label("Country of registration").select_option("DE")
    page.get_by_label("Registration number").fill("HRB 204518")
    page.get_by_label("Website").fill("https://nadir.example")
    page.get_by_label("What your platform is").select_option("trading_terminal")
    press(page, "Save and continue")


def finish_application(page: Page) -> None:
    """Everything after the account, up to the submitted application."""
    page.get_by_label("Spot").check()
    page.get_by_label("Futures").check()
    page.get_by_label("API volume that you expect in a month, in dollars").fill("$12,000,000")
    page.get_by_label("Users of your platform").fill("4,200")
    page.get_by_label("How orders reach the exchange").select_option("users_keys")
    press(page, "Save and continue")
    page.get_by_label("What it shows").select_option("registration")
    page.get_by_label("File").set_input_files(SCAN)
    press(page, "Add it")
    page.get_by_role("link", name="Continue").click()
    page.get_by_label("Our business is not enrolled").check()
    page.get_by_label("We accept the terms").check()
    press(page, "Save and continue")
    press(page, "Submit the application")


def opens_application(page: Page, town: Town, company: str) -> None:
    """A reviewer finds an application in the queue and takes it."""
    page.goto(f"{town.address}/staff/")
    page.get_by_role("link", name=re.compile("Applications")).first.click()
    page.get_by_role("link", name=company).first.click()
    press(page, "Take")


def confirms_password(page: Page) -> None:
    """Before an act that cannot be taken back, unless the login is fresh."""
    if "/reauthenticate/" in page.url:
        page.get_by_label("Password").fill(PASSWORD)
        press(page, "Go on")


def until(page: Page, words: str) -> None:
    """Loads the page again until it says so: sweeps come every few seconds, later after an outage."""
    for _ in range(120):
        said = " ".join(page.get_by_role("main").inner_text().split())
        if words in said:
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(f"the page never says {words!r}: {said}")


def fact(page: Page, label: str) -> str:
    """What stands beside a label."""
    term = page.locator("dt").get_by_text(label, exact=True)
    return term.locator("xpath=following-sibling::dd").first.inner_text()


def cookie(page: Page, name: str) -> str:
    return next(str(each["value"]) for each in page.context.cookies() if each["name"] == name)
