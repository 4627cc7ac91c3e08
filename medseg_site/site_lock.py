"""One running site per data folder, and no leftovers of one that was killed."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

LEFTOVER_GRACE_S = 10.0


class AlreadyRunningError(Exception):
    """Another ``up`` holds the folder; carries the address it serves, where it got that far."""

    def __init__(self, note: dict[str, Any]) -> None:
        super().__init__(note)
        self.address = str(note.get("address", ""))
        self.process = int(note.get("process", 0))


class SiteLock:
    """Held from start to end; the kernel lets go of it however the process ends."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "lock"
        self.note_path = folder / "running.json"
        self._handle: int | None = None

    def take(self) -> None:
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise AlreadyRunningError(self.note()) from None
        self._handle = handle

    def note(self) -> dict[str, Any]:
        try:
            found = json.loads(self.note_path.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, address: str, processes: Iterable[int]) -> None:
        text = json.dumps(
            {
                "address": address,
                "process": os.getpid(),
                "children": [[number, birth(number)] for number in processes],
            }
        )
        draft = self.note_path.with_suffix(".new")
        draft.write_text(text)
        draft.replace(self.note_path)

    def end_leftovers(self) -> int:
        """Waits for children of a killed supervisor, then ends them; returns how many there were.

        A process counts only with the birth time that was written down: numbers are used again.
        """
        groups = [
            int(number)
            for number, born in self.note().get("children", [])
            if born is not None and birth(int(number)) == born
        ]
        deadline = time.monotonic() + LEFTOVER_GRACE_S
        while any(birth(number) for number in groups) and time.monotonic() < deadline:
            time.sleep(0.1)
        for number in groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(number, signal.SIGKILL)
        return len(groups)

    def release(self) -> None:
        self.note_path.unlink(missing_ok=True)
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def birth(number: int) -> int | None:
    """Clock ticks between the machine's start and the process's, None when there is none."""
    try:
        stat = Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in {"Z", "X"} else int(fields[18])
