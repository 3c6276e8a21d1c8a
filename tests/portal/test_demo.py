"""The demo as its user sees it: it answers, its logins open, and Ctrl-C leaves nothing behind."""

import http.cookiejar
import os
import re
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.utils import timezone

from payouts.exchange.http import HttpExchange
from payouts.exchange.port import Account
from payouts.exchange.signing import Signer
from portal import embedded
from portal import embedded_process as process
from portal.simulator.accounts import EXAMPLES
from portal.simulator.people import PASSWORD, PEOPLE
from tests.exchange import PRIVATE_KEY
from tests.portal.embedded_servers import PROJECT, eventually, folder_with_servers


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with folder_with_servers(tmp_path / "var") as made:
        yield made


@contextmanager
def demo(folder: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    given = {key: value for key, value in os.environ.items() if key != "PORT"}
    started = subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--size", "0.005", "--months", "2"],
        cwd=PROJECT,
        env={**given, "DATA_DIR": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait()
        if started.stdout is not None:
            started.stdout.close()


def heard_until(started: subprocess.Popen[str], words: str) -> str:
    """Everything it said up to a line with these words."""
    assert started.stdout is not None
    heard = ""
    for line in started.stdout:
        heard += line
        if words in line:
            return heard
    raise AssertionError(f"it ended after: {heard}")


def processes_of(folder: Path) -> list[int]:
    """Everything on this machine that was started with this DATA_DIR."""
    mark = f"DATA_DIR={folder}\0".encode()
    found = []
    for about in Path("/proc").iterdir():
        if about.name.isdigit() and int(about.name) != os.getpid():
            try:
                if mark in (about / "environ").read_bytes() and process.birth(int(about.name)):
                    found.append(int(about.name))
            except OSError:
                continue
    return found


def log_in(port: int, email: str) -> str:
    """The address at which a login ends up, with the code of the demo's page if it is asked for one."""
    browser = urllib.request.build_opener(
        urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
        urllib.request.HTTPRedirectHandler(),
    )

    def send(form: dict[str, str], address: str) -> str:
        page = browser.open(address).read().decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token is not None
        filled = urllib.parse.urlencode({"csrfmiddlewaretoken": token[1]} | form)
        return browser.open(address, filled.encode()).url

    reached = send({"login": email, "password": PASSWORD}, f"http://localhost:{port}/accounts/login/")
    if not reached.endswith("/2fa/authenticate/"):
        return reached
    codes = browser.open(f"http://localhost:{port}/demo/codes/").read().decode()
    code = re.search(r"\b[0-9]{3} ?[0-9]{3}\b", codes[codes.index(email) :])
    assert code is not None
    return send({"code": code[0].replace(" ", "")}, reached)


@pytest.mark.long
def test_it_answers_logs_in_and_leaves_nothing_behind(folder: Path) -> None:
    port = process.free_port()
    with demo(folder, PORT=str(port)) as started:
        heard = heard_until(started, "Ctrl-C stops it.")
        assert f"http://localhost:{port}\n" in heard
        assert all(person.email in heard for person in PEOPLE)
        assert PASSWORD in heard
        assert "arning" not in heard
        assert log_in(port, "owner@helmsman.example").endswith("/brokers/1400/")
        assert len(processes_of(folder)) >= 5

        again = subprocess.run(
            [sys.executable, "manage.py", "demo"],
            cwd=PROJECT,
            env={**os.environ, "DATA_DIR": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert again.returncode == 1
        assert again.stderr == f"A demo runs from {folder} already: http://localhost:{port}.\n"

        started.send_signal(signal.SIGINT)
        rest, _ = started.communicate(timeout=100)

    assert rest.endswith("Stopping the demo.\nStopped.\n"), rest
    assert started.returncode == 0
    assert processes_of(folder) == []
    assert [server for server in embedded.status(folder) if server.running] == []
    assert process.is_free(port)


@pytest.mark.long
def test_servers_that_ran_before_run_on_and_a_dead_process_ends_the_demo(folder: Path) -> None:
    embedded.start(folder)
    port = process.free_port()
    with demo(folder, PORT=str(port)) as started:
        heard_until(started, "Ctrl-C stops it.")
        [beat] = [
            pid
            for pid in processes_of(folder)
            if b"beat" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        ]
        os.kill(beat, signal.SIGKILL)
        rest, _ = started.communicate(timeout=100)

    assert started.returncode == 1
    assert "The beat was ended by SIGKILL" in rest
    assert processes_of(folder) == []
    assert all(server.running for server in embedded.status(folder))


@pytest.mark.long
def test_killed_outright_it_takes_its_processes_along(folder: Path) -> None:
    port = process.free_port()
    with demo(folder, PORT=str(port)) as started:
        heard_until(started, "Ctrl-C stops it.")
        started.kill()
        started.wait()

        eventually(lambda: processes_of(folder) == [])


@pytest.mark.long
def test_ctrl_c_while_it_starts_leaves_nothing_behind(folder: Path) -> None:
    with demo(folder, PORT=str(process.free_port())) as started:
        heard_until(started, "Bringing the demo's program")
        started.send_signal(signal.SIGTERM)
        rest, _ = started.communicate(timeout=100)

    assert rest.endswith("Stopped.\n"), rest
    assert started.returncode == 0
    assert processes_of(folder) == []
    assert [server for server in embedded.status(folder) if server.running] == []


def given_to(folder: Path, words: str) -> dict[str, str]:
    """The environment of the demo's process whose command has these words."""
    for pid in processes_of(folder):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        if words in command and "leashed" not in command:
            given = Path(f"/proc/{pid}/environ").read_text().split("\0")
            return dict(each.split("=", 1) for each in given if "=" in each)
    raise AssertionError(f"no process with {words}")


@pytest.mark.long
def test_it_brings_an_exchange_of_its_own_and_nothing_of_the_developer_leaks_in(folder: Path) -> None:
    port = process.free_port()
    leaking = {
        "ALLOWED_HOSTS": "brokers.example.com",
        "EMAIL_URL": "smtps://portal:word@mail.example.com",
        "EXCHANGE_PRIVATE_KEY": PRIVATE_KEY,
        "EXCHANGE_URL": "https://api.exchange.example",
        "PORTAL_URL": "https://brokers.example.com",
    }
    with demo(folder, PORT=str(port), **leaking) as started:
        heard = heard_until(started, "Ctrl-C stops it.")
        given = given_to(folder, "uvicorn")
        key = given["EXCHANGE_PRIVATE_KEY"]
        exchange = HttpExchange(url=given["EXCHANGE_URL"], signer=Signer(key), clock=timezone.now)
        eventually(lambda: not process.is_free(int(given["EXCHANGE_URL"].rpartition(":")[2])))

        assert exchange.account("BP-920001") == Account("BP-920001", is_business=True, is_affiliate=True)
        for name in ("/demo/codes/", "/demo/mailbox/"):
            assert f"http://localhost:{port}{name}\n" in heard
            with urllib.request.urlopen(f"http://localhost:{port}{name}") as page:
                assert page.status == 200
        assert all(account_id in heard for account_id, _ in EXAMPLES)
        assert key not in heard
        for words in ("worker", "beat", "simulate_exchange"):
            assert {name: given_to(folder, words)[name] for name in ("EXCHANGE_URL", "PORTAL_URL")} == {
                "EXCHANGE_URL": given["EXCHANGE_URL"],
                "PORTAL_URL": f"http://localhost:{port}",
            }
        assert key not in leaking.values()
        assert not {"ALLOWED_HOSTS", "EMAIL_URL"} & given.keys()

        started.send_signal(signal.SIGINT)
        started.communicate(timeout=100)

    kept = folder / "exchange_key"
    assert kept.read_text() == key
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DATABASE_URL", "postgres://localhost/x", "the demo brings its own servers: unset DATABASE_URL"),
        ("BROKER_URL", "redis://localhost", "the demo brings its own servers: unset BROKER_URL"),
        ("PORT", "http", "PORT must be a port number from 1 to 65535, not 'http'."),
    ],
)
def test_what_it_cannot_use_is_refused_in_a_sentence(
    folder: Path, name: str, value: str, sentence: str
) -> None:
    with demo(folder, **{name: value}) as started:
        said, _ = started.communicate(timeout=100)

    assert said == f"{sentence}\n"
    assert started.returncode in (1, 2)


def test_a_port_that_is_taken_is_said(folder: Path) -> None:
    import socket

    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        with demo(folder, PORT=str(port)) as started:
            said, _ = started.communicate(timeout=100)

    assert said == f"Port {port} is taken by another program: end that, or set PORT to another one.\n"
    assert started.returncode == 1
