"""The servers that other tests lean on work, and leave nothing behind."""

import contextlib
from pathlib import Path

import httpx
import pytest

from tests.servers.mlflow_server import ADMIN, mlflow_server, why_no_password
from tests.servers.postgres import Postgres
from tests.servers.process import environment, free_port, listens, running
from tests.servers.s3 import S3


def test_a_database_is_created_and_copied(postgres_server: Postgres) -> None:
    import psycopg2

    postgres_server.create("first")
    with contextlib.closing(psycopg2.connect(postgres_server.uri("first", "postgresql"))) as connection:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE seen (number int)")
        connection.commit()
    postgres_server.create("second", template="first")
    copied = contextlib.closing(psycopg2.connect(postgres_server.uri("second", "postgresql")))
    with copied as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM seen")
        assert cursor.fetchone() == (0,)


def test_an_object_comes_back_as_it_was(s3_server: S3) -> None:
    s3_server.create("things")
    s3_server.client().put_object(Bucket="things", Key="a/b", Body=b"content")
    assert s3_server.keys("things") == ["a/b"]
    assert s3_server.client().get_object(Bucket="things", Key="a/b")["Body"].read() == b"content"


def test_a_process_is_ended_even_where_the_test_fails(tmp_path: Path) -> None:
    port = free_port()
    code = f"import http.server; http.server.HTTPServer(('127.0.0.1', {port}), None).serve_forever()"
    command = ["python", "-c", code]
    with pytest.raises(ZeroDivisionError), running(command, tmp_path / "log", lambda: listens(port), environment()):
        _ = 1 / 0
    assert not listens(port)


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    command = ["python", "-c", "raise SystemExit('no disk')"]
    started = running(command, tmp_path / "thing.log", lambda: False, environment())
    with pytest.raises(RuntimeError, match="did not become ready: no disk"), started:
        pass


@pytest.mark.slow
def test_a_server_with_a_password_refuses_whoever_has_none(
    postgres_server: Postgres, s3_server: S3, tmp_path: Path
) -> None:
    if why_no_password():
        pytest.skip(why_no_password())
    backend, bucket = postgres_server.create("mlflow_password"), s3_server.create("mlflow-password")
    with mlflow_server(tmp_path, backend, bucket, s3_server.variables, password=True) as server:
        asked = f"{server.url}/api/2.0/mlflow/experiments/search?max_results=1"
        assert httpx.get(asked).status_code == 401
        assert httpx.get(asked, auth=(ADMIN, server.password)).status_code == 200
