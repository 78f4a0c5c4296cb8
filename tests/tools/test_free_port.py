import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tools.free_port import complaint

TOOL = Path(__file__).parents[2] / "tools" / "free_port.py"


def test_a_free_port_is_no_matter() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert complaint("127.0.0.1", str(port)) is None


def test_a_taken_port_is_named_with_one_that_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = subprocess.run(
            [sys.executable, TOOL, "127.0.0.1", str(port)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        start, free = done.stderr.split("add PORT=")
        assert start == f"port {port} of 127.0.0.1 is taken by another program; stop that, or "
        assert complaint("127.0.0.1", free.split()[0]) is None


@pytest.mark.parametrize("port", ["", "0", "65536", "http", "-1", "³"])
def test_what_is_no_port_is_refused(port: str) -> None:
    assert complaint("127.0.0.1", port) == f"PORT={port} is no port; choose a number from 1 to 65535"


def test_an_address_of_another_machine_is_refused() -> None:
    assert "is HOST an address of this machine?" in (complaint("192.0.2.1", "3000") or "")
