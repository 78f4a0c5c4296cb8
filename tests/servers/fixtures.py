"""The servers as fixtures: one of each for all tests of a process. tests/conftest.py hands them on."""

from collections.abc import Iterator

import pytest

from tests.servers import postgres, s3


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    """A real PostgreSQL; a test creates its own database in it."""
    if postgres.why_not():
        pytest.skip(postgres.why_not())
    with postgres.postgres() as server:
        yield server


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[s3.S3]:
    """An S3 server; a test creates its own bucket in it."""
    if s3.why_not():
        pytest.skip(s3.why_not())
    with s3.s3(tmp_path_factory.mktemp("s3")) as server:
        yield server
