"""A real PostgreSQL of the test's own, from Debian's package or from the PATH."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.process import environment, free_port, running

DEBIAN = Path("/usr/lib/postgresql")
USER = "cxr"
PASSWORD = "not-a-secret"


@dataclass(frozen=True)
class Postgres:
    """A running server, whose user may create databases."""

    port: int

    def uri(self, database: str, scheme: str = "postgresql+psycopg2") -> str:
        return f"{scheme}://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, template: str = "template1") -> str:
        """A new database; its address, as MLflow takes it. template: a database to copy, which nobody uses then."""
        import psycopg2

        with contextlib.closing(psycopg2.connect(self.uri("postgres", "postgresql"))) as connection:
            connection.autocommit = True  # CREATE DATABASE allows no transaction
            with connection.cursor() as cursor:
                cursor.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.uri(database)


def folder_of_programs() -> Path | None:
    """Where initdb and postgres are: on the PATH, else Debian's folder of the newest version."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = sorted(DEBIAN.glob("*/bin"), key=lambda folder: int(folder.parent.name))
    return folders[-1] if folders else None


def why_not() -> str:
    """The reason why PostgreSQL cannot be had here; "" where it can."""
    try:
        import psycopg2  # noqa: F401
    except ImportError:
        return "no psycopg2: the group dev brings it"
    if folder_of_programs() is None:
        return "no PostgreSQL: install Debian's package postgresql"
    if os.geteuid() == 0 and not _has_user("postgres"):
        return "PostgreSQL does not run as root, and there is no user postgres"
    return ""


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """A new server. Its folder stands directly under the system's temporary one: pytest's folders are root's alone."""
    programs = folder_of_programs()
    assert programs is not None, why_not()
    as_user: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="cxr-postgres-") as folder:
        data = Path(folder, "data")
        password = Path(folder, "password")
        password.write_text(PASSWORD)
        if as_user:
            for path in (Path(folder), password):
                shutil.chown(path, "postgres")
        initdb = [str(programs / "initdb"), "--pgdata", str(data), "--username", USER, "--pwfile", str(password)]
        settings = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run([*initdb, *settings], check=True, capture_output=True, cwd="/", env=environment(), **as_user)
        port = free_port()
        options = {"fsync": "off", "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "port": str(port)}
        command = [str(programs / "postgres"), "-D", str(data)]
        command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        server = Postgres(port)
        log = Path(folder, "postgres.log")
        # SIGINT: it closes the connections and ends; SIGTERM would wait for the clients.
        with running(command, log, lambda: _takes(server), environment(), signal.SIGINT, cwd="/", **as_user):
            yield server


def _takes(server: Postgres) -> bool:
    import psycopg2

    try:
        psycopg2.connect(server.uri("postgres", "postgresql"), connect_timeout=2).close()
    except psycopg2.OperationalError:
        return False
    return True


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
