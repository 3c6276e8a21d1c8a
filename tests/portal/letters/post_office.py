"""A real mail server on a free port of this machine that does what its script says, mistakes included."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

OK = "250 OK"
#: Instead of an answer: the server says nothing at all.
SILENCE = "silence"
#: Instead of an answer: the connection is cut.
CUT = "cut"

Script = Callable[[Envelope], str]


def always_ok(envelope: Envelope) -> str:
    return OK


@dataclass
class PostOffice:
    """What arrived, and what is answered from now on. Scripts may be changed at any time."""

    host: str = "127.0.0.1"
    port: int = 0
    #: How many connections were made.
    connections: int = 0
    #: Said at RCPT TO, by the envelope so far.
    at_recipient: Script = always_ok
    #: Said after the final dot, once the letter lies in `arrived`.
    at_the_end: Script = always_ok
    #: Letters that were there in full, whatever was answered.
    arrived: list[EmailMessage] = field(default_factory=list)
    #: Held open while a test looks at a letter on its way.
    gate: threading.Event = field(default_factory=threading.Event)
    at_the_gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    @property
    def message_ids(self) -> list[str]:
        return [str(letter["Message-ID"]) for letter in self.arrived]

    # -- what aiosmtpd calls ------------------------------------------------------------------

    async def handle_RCPT(  # noqa: N802 - its name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        answer = await self._said(server, self.at_recipient(envelope))
        if not answer.startswith("2"):
            envelope.rcpt_tos.remove(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        assert isinstance(envelope.content, bytes)
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.arrived.append(letter)
        self.at_the_gate.set()
        while not self.gate.is_set():
            await asyncio.sleep(0.01)
        return await self._said(server, self.at_the_end(envelope))

    async def _said(self, server: SMTP, answer: str) -> str:
        if answer == SILENCE:
            await asyncio.sleep(60)
        if answer == CUT:
            assert server.transport is not None
            server.transport.abort()
            await asyncio.sleep(60)
        return answer


@contextmanager
def open_office(*, tls_at_once: ssl.SSLContext | None = None, **server: Any) -> Iterator[PostOffice]:
    """A post office that takes letters while the block lasts; `server` goes to aiosmtpd."""
    office = PostOffice()
    loop = asyncio.new_event_loop()
    started = threading.Event()
    listeners: list[asyncio.AbstractServer] = []

    def protocol() -> SMTP:
        office.connections += 1
        return SMTP(office, hostname="post-office", loop=loop, enable_SMTPUTF8=False, **server)

    async def listen() -> None:
        listener = await loop.create_server(protocol, host=office.host, port=0, ssl=tls_at_once)
        listeners.append(listener)
        office.port = listener.sockets[0].getsockname()[1]
        started.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(listen())
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    thread = threading.Thread(target=run, name="post office", daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield office
    finally:
        office.gate.set()
        loop.call_soon_threadsafe(listeners[0].close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


@contextmanager
def silent_port() -> Iterator[int]:
    """A port where somebody listens and never says a word, not even a greeting."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield listener.getsockname()[1]


@contextmanager
def closed_port() -> Iterator[int]:
    """A port where nobody listens, and nobody else can begin to."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def tls_of(folder: Any, *, host: str = "localhost") -> ssl.SSLContext:
    """TLS with a certificate for a host that nobody vouches for but itself, kept as certificate.pem."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
