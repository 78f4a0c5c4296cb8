"""A workspace that was moved, renamed or copied: MLflow has kept where its files were, as absolute addresses.

In the workspace's own SQLite file those addresses are set to where the files are now. Only addresses that end in the
folder's usual name, mlartifacts, are ours to set, and not the one that MLFLOW_DEFAULT_ARTIFACT_ROOT names.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

ARTIFACTS_FOLDER = "mlartifacts"
ARTIFACT_ROOT = "MLFLOW_DEFAULT_ARTIFACT_ROOT"
# Where MLflow's tables keep an address of a file or folder.
ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


@dataclass(frozen=True)
class Rehomed:
    """before: the folders that were named, as addresses. now: the one that is."""

    before: tuple[str, ...]
    now: str

    def __str__(self) -> str:
        return (
            f"the workspace was moved or copied: MLflow's files were looked for at {', '.join(self.before)}, and are "
            f"taken from {self.now} from now on"
        )


def rehome(database: Path) -> Rehomed | None:
    """Set the addresses in `database` to the folder beside it; None where nothing is to be done.

    Safe to repeat. The place that the workspace came from is not touched. A folder that has files which are not here
    stays where it is, whether the database alone was copied or the runs were told to keep their files elsewhere.
    """
    if not database.is_file():
        return None
    folder = database.parent.resolve() / ARTIFACTS_FOLDER
    now = folder.as_uri()
    try:
        with contextlib.closing(sqlite3.connect(database)) as connection, connection:
            strangers = [home for home in _strangers(connection, now) if _is_left(connection, home, folder)]
            for before in strangers:
                for table, column in _columns(connection):
                    _set(connection, table, column, before, now)
    except sqlite3.DatabaseError:  # a damaged file: opening it through MLflow says so
        return None
    return Rehomed(tuple(strangers), now) if strangers else None


def _is_left(connection: sqlite3.Connection, home: str, folder: Path) -> bool:
    """Whether nobody keeps files there any more, or `folder` has all that the database knows of."""
    before, wanted = _path(home), os.environ.get(ARTIFACT_ROOT)
    if wanted and _path(wanted) == before:
        return False
    if not before.is_dir():
        return True
    known = [_path(address).relative_to(before) for address in _within(connection, home)]
    return folder.is_dir() and all(_holds(folder / place) for place in known if _holds(before / place))


def _path(address: str) -> Path:
    """Of a file: address, or of a path as a person types it."""
    return Path(url2pathname(urlsplit(address).path) if address.startswith("file:") else address).absolute()


def _holds(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _within(connection: sqlite3.Connection, home: str) -> Iterator[str]:
    """The addresses of folders below it."""
    for table, column in _columns(connection):
        for (address,) in connection.execute(f"SELECT DISTINCT {column} FROM {table}"):  # noqa: S608 (names of ours)
            if address and str(address).startswith(f"{home}/"):
                yield str(address)


def _strangers(connection: sqlite3.Connection, now: str) -> tuple[str, ...]:
    """Other folders of this name that experiments keep their files in."""
    if ("experiments", "artifact_location") not in _columns(connection):
        return ()
    rows = connection.execute("SELECT DISTINCT artifact_location FROM experiments").fetchall()
    homes = {str(place) for (place,) in rows if place and str(place).endswith(f"/{ARTIFACTS_FOLDER}")}
    return tuple(sorted(home for home in homes if home.startswith("file:") and home != now))


def _set(connection: sqlite3.Connection, table: str, column: str, before: str, now: str) -> None:
    within = f"{before}/"
    connection.execute(
        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608 (names of ours)
        f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
        (now, len(before) + 1, before, len(within), within),
    )


def _columns(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    return [(table, column) for table, column in ADDRESSES if column in set(_names(connection, table))]


def _names(connection: sqlite3.Connection, table: str) -> Iterator[str]:
    for row in connection.execute("SELECT name FROM pragma_table_info(?)", (table,)):
        yield str(row[0])
