"""A whole site for tests: the real ``up`` with its own folder, database, redis and workers.

Where the suite runs on PostgreSQL or S3, each site gets a database or a prefix of its own there.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from medseg_site.places import REPOSITORY
from medseg_site.site_lock import birth

UP = "import sys; from medseg_site import supervise; sys.exit(supervise.up(sys.argv[1:]))"
START_S = 180.0


def until(true: Callable[[], bool], timeout_s: float = 20.0) -> bool:
    """Asks again and again; True as soon as the answer is yes, False when time is over."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.05)
    return False


def running_with(word: str) -> list[int]:
    """Processes whose environment or title holds this word, and what they started in turn."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                held = any(
                    word.encode() in (folder / n).read_bytes() for n in ("environ", "cmdline")
                )
            except OSError:
                continue
            if held and birth(int(folder.name)) is not None:
                found.append(int(folder.name))
    return found


class Site:
    """One ``up``: start it, ask what it said, kill parts of it, stop it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        # Not by name: the smallest systems have no table of names.
        self.url = f"http://127.0.0.1:{port}"
        self.output = folder.parent / f"{folder.name}.out"
        self.process: subprocess.Popen[bytes] | None = None
        self.database = ""
        self.environ = self._environment()

    def _environment(self) -> dict[str, str]:
        environ = {key: value for key, value in os.environ.items() if key != "REDIS_URL"}
        environ["MEDSEG_DATA"] = str(self.folder)
        environ["DJANGO_SETTINGS_MODULE"] = "medseg_site.settings"
        environ.setdefault("OMP_NUM_THREADS", "1")
        if environ.get("DATABASE_URL", "").startswith("postgres"):
            self.database = f"site_{os.urandom(5).hex()}"
            parts = urlsplit(environ["DATABASE_URL"])
            environ["DATABASE_URL"] = urlunsplit(parts._replace(path=f"/{self.database}"))
        if environ.get("MEDSEG_STORAGE", "").startswith("s3://"):
            environ["MEDSEG_STORAGE"] = f"{environ['MEDSEG_STORAGE']}/{os.urandom(5).hex()}"
        return environ

    def make_database(self) -> None:
        if self.database:
            self._on_server("CREATE DATABASE {}")

    def drop_database(self) -> None:
        if self.database:
            self._on_server("DROP DATABASE IF EXISTS {} WITH (FORCE)")

    def _on_server(self, command: str) -> None:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(sql.SQL(command).format(sql.Identifier(self.database)))

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """``up`` with these words (``--no-demo`` unless others are given); does not wait."""
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", UP, "--port", str(self.port), *(words or ("--no-demo",))],
                cwd=REPOSITORY,
                env=self.environ,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self.process

    def wait_until_ready(self) -> None:
        assert until(lambda: self.said("medseg is ready"), START_S), self.output.read_text()

    def stop(self) -> int:
        """Ctrl-C; returns the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)

    def said(self, words: str) -> bool:
        return words in self.output.read_text()

    def administrator_link(self) -> str:
        """The address that ``up`` printed for the first administrator."""
        assert until(lambda: self.said("set the administrator's password"), 30.0)
        found = re.search(r"password, once: (\S+)", self.output.read_text())
        assert found is not None
        return found.group(1)

    def command(self, *words: str) -> str:
        """Output of a management command on this site's database."""
        done = subprocess.run(
            [sys.executable, str(REPOSITORY / "manage.py"), *words],
            cwd=REPOSITORY,
            env={**self.environ, "REDIS_URL": f"unix://{self.folder}/run/redis.sock"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def processes(self) -> list[int]:
        return running_with(str(self.folder))

    def left(self) -> list[str]:
        """Command lines of all processes of the site, for a message."""
        return [f"{number} {command_line(number)}" for number in self.processes()]

    def running(self, part: str) -> list[int]:
        """Processes of the site whose command line holds ``part``, oldest first."""
        return sorted(number for number in self.processes() if part in command_line(number))

    def kill(self, part: str) -> None:
        """SIGKILL to the oldest process whose command line holds ``part`` (uvicorn, redis, …)."""
        os.kill(self.running(part)[0], signal.SIGKILL)

    def remove(self) -> None:
        """Whatever the test left: processes, database, folder."""
        for number in self.processes():
            os.kill(number, signal.SIGKILL)
        if self.process is not None:
            self.process.wait(10)
        self.drop_database()
        shutil.rmtree(self.folder, ignore_errors=True)


def command_line(number: int) -> str:
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
