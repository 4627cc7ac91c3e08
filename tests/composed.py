"""The processes of docker-compose.yml on this machine, behind nginx.

What a container would give (network names, volumes, users) is replaced by loopback and folders;
commands, variables and nginx's configuration are read from the files that a site would use.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from medseg_site import redis_server
from medseg_site.children import Child, stop_all
from medseg_site.places import REPOSITORY
from tests.running import Site, until

NGINX_FRAME = """\
{user}
pid {folder}/nginx.pid;
error_log {folder}/nginx.err;
events {{ worker_connections 512; }}
http {{
    include /etc/nginx/mime.types;
    sendfile on;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}}
"""


def composition() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
    return read["services"]


def web_command() -> list[str]:
    """The CMD of the Dockerfile."""
    text = (REPOSITORY / ".docker" / "Dockerfile").read_text().replace("\\\n", " ")
    command: list[str] = json.loads(text.rpartition("\nCMD ")[2])
    return command


def filled_in(template: str, values: Mapping[str, str]) -> str:
    """As nginx's image does it: ``${MEDSEG_…}`` only."""
    return re.sub(r"\$\{(MEDSEG_\w+)\}", lambda found: values[found[1]], template)


class ComposedSite(Site):
    """migrate, web, worker-cpu and nginx, with the suite's PostgreSQL and a redis of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(folder, port)
        self.web_port = free_port_number()
        self.children: list[Child] = []
        self.inner = folder / "compose"
        self.inner.mkdir(parents=True, mode=0o755)
        self.redis_socket = folder / "run" / "redis.sock"
        self.redis_socket.parent.mkdir(mode=0o700)
        self.environ |= self._composed_environment()

    def _composed_environment(self) -> dict[str, str]:
        given: dict[str, str] = composition()["web"]["environment"]
        replaced = {
            "DATABASE_URL": self.environ.get("DATABASE_URL", ""),
            "REDIS_URL": redis_server.url(self.redis_socket),
            "MEDSEG_SECRET_KEY": "composed" * 8,
            "MEDSEG_HOSTS": "localhost,127.0.0.1",
            "MEDSEG_ORIGINS": self.url,
            "MEDSEG_TLS": "0",
            "MEDSEG_STATIC": str(self.folder / "static"),
            "MEDSEG_STORAGE": self.environ.get("MEDSEG_STORAGE", ""),
        }
        kept = {key: value for key, value in given.items() if "${" not in value}
        return kept | replaced

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        server = redis_server.find_redis()
        assert server is not None, redis_server.MISSING
        command = redis_server.redis_command(server, self.redis_socket, self.folder / "redis")
        self._add("redis", command)
        assert redis_server.wait_for(self.redis_socket, 20.0)
        for step in composition()["migrate"]["command"][-1].split("&&"):
            self.command(*shlex.split(step)[2:])
        web = web_command()
        web[web.index("--host") + 1] = "127.0.0.1"
        web[web.index("--port") + 1] = str(self.web_port)
        self._add("web", [sys.executable, *web[1:]])
        self._add("worker", [sys.executable, "-m", *composition()["worker-cpu"]["command"]])
        self._add("nginx", ["nginx", "-c", str(self._nginx()), "-g", "daemon off;"])
        process = self.children[-1].process
        assert process is not None
        return process

    def _add(self, name: str, command: list[str]) -> None:
        child = Child(name, command, self.environ, self.inner)
        child.start()
        self.children.append(child)

    def _nginx(self) -> Path:
        values = {
            "MEDSEG_WEB": f"127.0.0.1:{self.web_port}",
            "MEDSEG_LISTEN": f"127.0.0.1:{self.port}",
            "MEDSEG_STATIC": self.environ["MEDSEG_STATIC"],
            "MEDSEG_DATA": str(self.folder),
        }
        server = filled_in((REPOSITORY / ".docker" / "nginx.conf").read_text(), values)
        # As in the composition, nginx runs as the owner of the blobs.
        user = "user root;" if os.getuid() == 0 else ""
        path = self.inner / "nginx.conf"
        path.write_text(NGINX_FRAME.format(user=user, folder=self.inner, server=server))
        return path

    def wait_until_ready(self) -> None:
        assert until(lambda: _status(self.port, "/readyz") == 200, 120.0), self.logs()

    def logs(self) -> str:
        return "\n".join(line for child in self.children for line in child.last_lines(10))

    def administrator_link(self) -> str:
        """The command that docker-compose.yml names for the first start."""
        return self.url + self.command("create_link", "admin", "--first-start").strip()

    def stop(self) -> int:
        stop_all(self.children[1:], 10.0)
        stop_all(self.children[:1], 5.0)
        return 0

    def remove(self) -> None:
        self.stop()
        self.drop_database()
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port_number() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def _status(port: int, path: str) -> int:
    """Status of a plain GET, 0 while nobody answers."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=3) as line:
            line.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost:{port}\r\n\r\n".encode())
            return int(line.recv(64).split()[1])
    except (OSError, IndexError, ValueError):
        return 0
