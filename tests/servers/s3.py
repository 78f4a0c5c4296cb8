"""An S3 server that this machine can run: moto's, in a process of its own, its objects in memory."""

import contextlib
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.process import environment, free_port, listens, running

REGION = "us-east-1"
KEY = "test-key"
SECRET = "test-secret"
NEEDED = ("moto", "boto3", "flask", "flask_cors")


@dataclass(frozen=True)
class S3:
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a program that is to use it: boto3's names, and MLflow's for the address."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "MLFLOW_S3_ENDPOINT_URL": self.url,
        }

    def client(self) -> Any:
        import boto3

        return boto3.client(
            "s3", endpoint_url=self.url, region_name=REGION, aws_access_key_id=KEY, aws_secret_access_key=SECRET
        )

    def create(self, bucket: str) -> str:
        """A new bucket; its address."""
        self.client().create_bucket(Bucket=bucket)
        return f"s3://{bucket}"

    def keys(self, bucket: str) -> list[str]:
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return sorted(item["Key"] for page in pages for item in page.get("Contents", []))


def why_not() -> str:
    """The reason why it cannot be had here; "" where it can."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    return f"no {', '.join(missing)}: the group dev brings moto, MLflow brings flask" if missing else ""


@contextlib.contextmanager
def s3(folder: Path) -> Iterator[S3]:
    """A new, empty server. folder: of its log."""
    server = S3(free_port())
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(server.port)]
    with running(command, folder / "s3.log", lambda: listens(server.port), environment()):
        yield server
