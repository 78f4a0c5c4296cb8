"""Say which port is taken, and which other one to choose, before a server starts.

    python tools/free_port.py HOST PORT

Left to itself, each server says so in its own way, after seconds, some with a traceback.
"""

import os
import socket
import sys

NEXT = 100  # so many ports are looked at for one that is free


def is_free(host: str, port: int) -> bool:
    """Raises socket.gaierror for a name that this machine does not know."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        if os.name == "posix":  # elsewhere the option would let two programs have one port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError:
            return False
    return True


def complaint(host: str, text: str) -> str | None:
    """What is wrong with the choice, in one sentence; None if nothing is."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        return f"PORT={text} is no port; choose a number from 1 to 65535"
    port = int(text)
    try:
        if is_free(host, port):
            return None
        free = next((other for other in range(port + 1, min(port + NEXT, 65536)) if is_free(host, other)), None)
    except socket.gaierror:
        return f"HOST={host} is no name or address that this machine knows; HOST=127.0.0.1 serves this machine alone"
    if free is None:
        return f"port {port} cannot be had on {host}, nor the next {NEXT}; is HOST an address of this machine?"
    return f"port {port} of {host} is taken by another program; stop that, or add PORT={free} to the command"


if __name__ == "__main__":
    wrong = complaint(*sys.argv[1:])
    if wrong:
        sys.exit(wrong)
