"""``up``: starts redis, the web server and the workers, watches them, stops them together."""

from __future__ import annotations

import argparse
import http.client
import ipaddress
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

from medseg_site import redis_server
from medseg_site.bootstrap import ENVIRONMENT, RefusalError
from medseg_site.children import Child, die_with_parent, stop_all
from medseg_site.places import REPOSITORY, data_folder, socket_path
from medseg_site.site_lock import AlreadyRunningError, SiteLock

FREE_TO_RUN = 500 * 10**6
START_S = 120.0
GRACE_S = 8.0
LOOPBACK = {"127.0.0.1", "::1"}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="manage.py up", description="Start medseg on this machine and keep it running."
    )
    parser.add_argument("--port", type=int, default=8000, help="where to serve (default: 8000)")
    parser.add_argument(
        "--host",
        type=numeric,
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen on (default: this machine only)",
    )
    parser.add_argument("--no-demo", action="store_true", help="make no demo project")
    parser.add_argument(
        "--torch", choices=["cpu"], help="install PyTorch's build without CUDA (much smaller)"
    )
    return parser.parse_args(arguments)


def numeric(word: str) -> str:
    """An address in numbers: a name may stand for several, and each answers differently."""
    return "127.0.0.1" if word == "localhost" else str(ipaddress.ip_address(word))


def up(arguments: Sequence[str]) -> int:
    """Runs until it is told to stop; returns the exit status."""
    options = parse(arguments)
    try:
        supervisor = Supervisor(options.host, options.port, demo=not options.no_demo)
        return supervisor.run()
    except RefusalError as refusal:
        print(refusal, file=sys.stderr)
        return 2


class StopError(Exception):
    """Ctrl-C or a polite signal arrived while the site was starting."""


class Supervisor:
    """One site: its folder, its address and its children, from first step to last."""

    def __init__(self, host: str, port: int, demo: bool) -> None:
        self.begun = time.monotonic()
        self.host, self.port, self.demo = host, port, demo
        self.address = f"http://{'localhost' if host in LOOPBACK else host}:{port}/"
        self.nonce = secrets.token_hex(16)
        self.data = data_folder(os.environ)
        self.folder = self.data / "run"
        self.logs = self.data / "logs"
        for folder in (self.folder, self.logs):
            folder.mkdir(mode=0o700, exist_ok=True)
        self.lock = SiteLock(self.folder)
        self.socket_file = socket_path(self.folder, "redis.sock")
        self.children: list[Child] = []
        self.stopping = 0
        self.environ = self._environment()

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.begun:6.1f} s  {text}", flush=True)

    def run(self) -> int:
        self._check()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        status = 0
        try:
            self._start()
            self._watch()
        except StopError:
            pass
        except RefusalError as refusal:
            self.say(str(refusal))
            status = 1
        finally:
            self._stop()
        return status

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stopping += 1
        if self.stopping > 1:  # a second Ctrl-C does not wait
            for child in self.children:
                child.kill_group()

    def _check(self) -> None:
        free = shutil.disk_usage(self.data).free
        if free < FREE_TO_RUN:
            raise RefusalError(
                f"The disk of {self.data} is nearly full: {free / 1e6:.0f} MB are free and "
                f"{FREE_TO_RUN / 1e6:.0f} MB are needed. Make room, or name a folder on another "
                f"disk with MEDSEG_DATA, then start again."
            )
        try:
            self.lock.take()
        except AlreadyRunningError as other:
            raise RefusalError(
                f"medseg is already running here, at {other.address or 'an address not yet known'} "
                f"(process {other.process}). Stop that one with Ctrl-C, or name another folder "
                f"with MEDSEG_DATA to run a second site."
            ) from None
        if self.lock.end_leftovers():
            self.say("ended what an earlier start had left running")
        check_port(self.host, self.port)

    def _environment(self) -> dict[str, str]:
        environ = {
            **os.environ,
            "MEDSEG_DATA": str(self.data),
            "MEDSEG_RUN": self.nonce,
            "REDIS_URL": os.environ.get("REDIS_URL") or redis_server.url(self.socket_file),
            "DJANGO_SETTINGS_MODULE": "medseg_site.settings",
            "PYTHONUNBUFFERED": "1",
            # Celery then treats a polite signal as "put the work back and go" instead of
            # "finish it first", which for a training could be hours.
            "REMAP_SIGTERM": "SIGQUIT",
        }
        if environ.pop("PYTHONDONTWRITEBYTECODE", ""):
            # No compiled files beside the sources, then; but all of Django and PyTorch compiled
            # anew at each start would take longer than the start itself.
            environ.setdefault("PYTHONPYCACHEPREFIX", str(ENVIRONMENT / "pycache"))
        if self.host not in LOOPBACK:
            names = [os.environ.get("MEDSEG_HOSTS", ""), self.host, socket.gethostname()]
            environ["MEDSEG_HOSTS"] = ",".join(name for name in names if name)
        return environ

    def _start(self) -> None:
        if self.host not in LOOPBACK and not os.environ.get("MEDSEG_TLS"):
            self.say("others can reach this address and nothing encrypts it: put nginx with TLS "
                     "in front before real patients' images go in")  # fmt: skip
        if not os.environ.get("REDIS_URL"):
            self._start_redis()
        self._migrate()
        python = sys.executable
        self._add("web", [python, *_uvicorn(self.host, self.port)])
        self._wait_for_web()  # alone first: the workers' start would take its time from it
        self._add("worker", [python, *_worker("worker", "interactive,predict")], niceness=5)
        # Never behind a prediction: a person waits for each click.
        self._add("prompter", [python, *_worker("prompter", "prompt", pool="solo")])
        self._add("trainer", [python, *_worker("trainer", "train")], niceness=10)
        self.say(f"medseg is ready: {self.address}")
        self._offer_link()
        self._make_demo()

    def _add(self, name: str, command: list[str], niceness: int = 0) -> Child:
        if self.stopping:
            raise StopError
        child = Child(name, command, self.environ, self.logs, niceness)
        child.start()
        self.children.append(child)
        self._note()
        self.say(f"{name} started")
        return child

    def _note(self) -> None:
        numbers = [child.process.pid for child in self.children if child.process]
        self.lock.write(self.address, numbers)

    def _start_redis(self) -> None:
        server = redis_server.find_redis()
        if server is None:
            raise RefusalError(redis_server.MISSING)
        self.socket_file.unlink(missing_ok=True)
        command = redis_server.redis_command(server, self.socket_file, self.data / "redis")
        child = self._add("redis", command)
        if not redis_server.wait_for(self.socket_file, START_S):
            raise RefusalError(_failed("redis did not start", child))

    def _migrate(self) -> None:
        self.say("bringing the database up to date …")
        done = self._command("migrate", "--no-input", "--verbosity", "0")
        if done.returncode != 0:
            raise RefusalError(
                "The database could not be brought up to date:\n" + done.stderr[-2000:]
            )

    def _command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            # Checks load every address; the web server does that anyway.
            [sys.executable, str(REPOSITORY / "manage.py"), *words, "--skip-checks"],
            env=self.environ,
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )

    def _wait_for_web(self) -> None:
        web = next(child for child in self.children if child.name == "web")
        deadline = time.monotonic() + START_S
        while not serves(self.host, self.port, self.nonce):
            if self.stopping:
                raise StopError
            if not web.alive():
                raise RefusalError(_failed("The web server did not start", web))
            if time.monotonic() > deadline:
                raise RefusalError(
                    _failed(f"The web server did not answer within {START_S:.0f} s", web)
                )
            time.sleep(0.1)

    def _offer_link(self) -> None:
        made = self._command("create_link", "admin", "--first-start")
        path = made.stdout.strip()
        if made.returncode != 0:
            self.say("no administrator's link could be made: " + made.stderr.strip()[-300:])
        elif path.startswith("/"):
            self.say(f"set the administrator's password, once: {self.address[:-1]}{path}")

    def _make_demo(self) -> None:
        if not self.demo or (self.data / "demo-made").exists():
            return
        command = [sys.executable, str(REPOSITORY / "manage.py"), "make_demo"]
        child = self._add("demo", [*command, "--address", self.address], 10)
        self.say("demo projects are being made meanwhile; links for three demo people stand in "
                 f"{child.log}")  # fmt: skip

    def _watch(self) -> None:
        while not self.stopping:
            for child in list(self.children):
                before = child.process
                if child.name == "demo":
                    self._watch_demo(child)
                else:
                    child.watch(time.monotonic(), self.say)
                if child.process is not before:
                    self._note()
            time.sleep(0.2)

    def _watch_demo(self, child: Child) -> None:
        if child.alive() or child.process is None:
            return
        if child.process.returncode == 0:
            (self.data / "demo-made").touch()
            self.say("the demo projects are ready")
        else:
            self.say(_failed("The demo is not complete; all else works", child))
        self.children.remove(child)

    def _stop(self) -> None:
        """The broker goes last: a worker that is told to go puts its message back there."""
        if self.children:
            self.say("stopping …")
        stop_all([child for child in self.children if child.name != "redis"], GRACE_S)
        stop_all([child for child in self.children if child.name == "redis"], GRACE_S)
        self.lock.release()
        if self.socket_file.parent != self.folder:
            shutil.rmtree(self.socket_file.parent, ignore_errors=True)
        self.say("stopped")


def check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except (OSError, OverflowError) as error:
            raise RefusalError(
                f"Port {port} of {host} cannot be used ({getattr(error, 'strerror', error)}): "
                f"another program may hold it. Choose another: python3 manage.py up --port "
                f"{port + 1 if port < 65535 else 8000}"
            ) from None


def serves(host: str, port: int, nonce: str) -> bool:
    """Whether the server there is alive and ours: only ours knows this start's word."""
    everywhere = ipaddress.ip_address(host).is_unspecified
    reach = ("::1" if ":" in host else "127.0.0.1") if everywhere else host
    line = http.client.HTTPConnection(reach, port, timeout=2)
    try:
        line.request("GET", "/healthz", headers={"Host": f"localhost:{port}"})
        answer = line.getresponse()
        return answer.status == 200 and answer.getheader("X-Medseg-Run") == nonce
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


def _failed(what: str, child: Child) -> str:
    lines = "\n".join(f"  | {line}" for line in child.last_lines(15))
    return f"{what}. The end of its log ({child.log}):\n{lines}"


def _uvicorn(host: str, port: int) -> list[str]:
    options = {
        "host": host,
        "port": port,
        "workers": 2,
        "lifespan": "off",
        "log-level": "warning",
        "timeout-graceful-shutdown": 2,
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    app = "medseg_site.asgi:application"
    return ["-m", "uvicorn", app, *words, "--no-access-log", "--no-server-header"]


def _worker(name: str, queues: str, pool: str = "prefork") -> list[str]:
    return [
        "-m", "celery", "-A", "medseg_site", "worker", "-P", pool, "--concurrency", "1",
        "-Q", queues, "-n", f"{name}@%h", "--loglevel", "INFO",
        "--without-gossip", "--without-mingle",
    ]  # fmt: skip
