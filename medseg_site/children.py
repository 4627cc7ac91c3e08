"""Child processes that never outlive their parent, and are started again when they crash.

Each child leads a process group of its own: one signal reaches what it started in turn, and a
terminal's Ctrl-C reaches only the supervisor, which then stops all in order.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

BACK_OFF_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
STEADY_S = 60.0
"""A child that lived this long has recovered: its next crash starts at the shortest wait."""
LARGEST_LOG = 10 * 2**20
PR_SET_PDEATHSIG = 1
AUTOGROUP = Path("/proc/self/autogroup")

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent(signal_number: int = signal.SIGTERM) -> None:
    """Asks Linux to signal this process when the thread that started it ends, SIGKILL included."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)


def step_back(niceness: int) -> None:
    """Leaves the processor to others first.

    Linux's autogroup weighs sessions against each other and niceness only within one, so where it
    is on, the session of this child must step back too. It takes one such wish in a tenth of a
    second from all of an ordinary user's processes.
    """
    os.nice(niceness)
    for _ in range(3 if niceness and AUTOGROUP.exists() else 0):
        try:
            AUTOGROUP.write_text(str(niceness))
            return
        except BlockingIOError:
            time.sleep(0.12)
        except OSError:  # not ours to say here: plain niceness must do
            return


class Child:
    """One long-running program: its process, its log and how often it crashed."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environ: Mapping[str, str],
        logs: Path,
        niceness: int = 0,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.environ = dict(environ)
        self.log = logs / f"{name.replace(' ', '-')}.log"
        self.niceness = niceness
        self.process: subprocess.Popen[bytes] | None = None
        self.crashes = 0
        self.started = 0.0
        self.due: float | None = None

    def start(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        parent = os.getpid()

        def prepare() -> None:
            # The supervisor's redis goes with it, and a worker that wants to take its leave of a
            # broker that is gone stays for minutes. What was acknowledged stands in the database.
            die_with_parent(signal.SIGKILL)
            if os.getppid() != parent:  # it died before the wish was heard
                os._exit(1)
            step_back(self.niceness)

        with open(self.log, "ab", opener=_private) as log:
            self.process = subprocess.Popen(
                self.command,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=prepare,
            )
        self.started = time.monotonic()
        self.due = None

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def watch(self, now: float, say: Callable[[str], None]) -> None:
        """Called again and again: notices a crash, waits out the back-off, starts anew."""
        if self.process is None or self.alive():
            return
        if self.due is None:
            self.kill_group()  # what a dead leader left behind would hold its port
            self.crashes = 0 if now - self.started > STEADY_S else self.crashes
            wait_s = BACK_OFF_S[min(self.crashes, len(BACK_OFF_S) - 1)]
            self.crashes += 1
            self.due = now + wait_s
            say(f"{self.name} stopped ({self.cause()}); starting it again in {wait_s:.0f} s")
            for line in self.last_lines(6):
                say(f"  | {line}")
        elif now >= self.due:
            self.start()
            say(f"{self.name} started again")

    def cause(self) -> str:
        status = self.process.returncode if self.process else 0
        if status is not None and status < 0:
            return signal.Signals(-status).name
        return f"status {status}"

    def last_lines(self, count: int) -> list[str]:
        with contextlib.suppress(OSError):
            return self.log.read_text(errors="replace").splitlines()[-count:]
        return []

    def terminate(self) -> None:
        if self.alive() and self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)

    def kill_group(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def wait(self, timeout_s: float) -> bool:
        if self.process is None:
            return True
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout_s)
        return not self.alive()


def stop_all(children: Sequence[Child], grace_s: float) -> None:
    """A polite signal to all at once, then, when the grace is over, the end of their groups."""
    for child in children:
        child.terminate()
    deadline = time.monotonic() + grace_s
    for child in children:
        child.wait(max(0.0, deadline - time.monotonic()))
    for child in children:
        child.kill_group()
        child.wait(2.0)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
