"""Decoding in a child process that may be killed, so that no file can harm the one who asks.

One child serves many requests; it is started on the first one and again after it died or was
killed for taking too long. It inherits no secrets: its environment is made anew.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.interchange.dicom_headers import DicomHeader
from segmentation.interchange.errors import (
    ERRORS,
    InterchangeError,
    TooLargeError,
    UnreadableError,
)
from segmentation.interchange.types import Limits, ReadImage
from segmentation.interchange.wire import Json, header_from_json, image_from_json

_START_SECONDS = 30.0
_SECONDS_PER_FILE = 0.2
_IN_MEMORY_BYTES = 8 * 1024**2
_BATCH = 64
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TIFFFILE_NUM_THREADS")


class ChildDiedError(UnreadableError):
    """The child was killed or broke while it read; the next request gets a new one."""


class Sandbox:
    """A child for one import. Use as a context; ``folder`` is where decoded pixels pass through."""

    def __init__(self, limits: Limits | None = None, folder: Path | None = None) -> None:
        self.limits = limits or Limits()
        self._folder = folder
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._count = 0
        self._fresh = True

    def __enter__(self) -> Sandbox:
        self._scratch = tempfile.TemporaryDirectory(prefix="medseg-", dir=self._folder)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

    @property
    def scratch(self) -> Path:
        """The folder that is removed with the sandbox."""
        if self._scratch is None:
            raise RuntimeError("The sandbox is used outside its context.")
        return Path(self._scratch.name)

    def headers(self, paths: Sequence[Path]) -> list[DicomHeader | InterchangeError]:
        """Read the headers of DICOM files, many at a time; a file that kills the child is alone."""
        found: list[DicomHeader | InterchangeError] = []
        for start in range(0, len(paths), _BATCH):
            batch = paths[start : start + _BATCH]
            try:
                replies = self._ask("scan", self._seconds(len(batch)), paths=_words(batch))
            except InterchangeError:
                replies = [self._alone(path) for path in batch]
            found += [_header_or_error(reply) for reply in replies]
        return found

    def series(self, paths: Sequence[Sequence[Path]]) -> ReadImage:
        """Read the files ``paths[t][z]`` of one planned DICOM image."""
        files = sum(len(row) for row in paths)
        size = sum(path.stat().st_size for row in paths for path in row)
        rows = [_words(row) for row in paths]
        return self._image("series", self._seconds(files, size), paths=rows)

    def file(self, path: Path, kind: str) -> ReadImage:
        """Read one picture or NIfTI volume of a kind that ``sniff`` named."""
        seconds = self._seconds(1, path.stat().st_size)
        return self._image("file", seconds, path=str(path), kind=kind)

    def labels(
        self, path: Path, kind: str
    ) -> tuple[NDArray[np.uint16], NDArray[np.float64] | None]:
        """Read a label file on its own grid; a NIfTI one with its affine in LPS mm."""
        out = self._out()
        seconds = self._seconds(1, path.stat().st_size)
        reply = self._ask("labels", seconds, path=str(path), kind=kind, out=str(out))
        affine = reply["affine_lps"]
        return self._take(out), None if affine is None else np.array(affine, np.float64)

    def table(self, task: str, path: Path) -> Any:
        """Read annotations (``boxes`` or ``coco``) as plain JSON."""
        return self._ask(task, self._seconds(1, path.stat().st_size), path=str(path))

    def _image(self, task: str, seconds: float, **request: Any) -> ReadImage:
        out = self._out()
        described = self._ask(task, seconds, out=str(out), **request)
        return image_from_json(described, self._take(out))

    def _alone(self, path: Path) -> Json:
        try:
            return {"answer": self._ask("header", self._seconds(1), path=str(path))}
        except InterchangeError as error:
            return {"code": error.code, "sentence": error.sentence}

    def _seconds(self, files: int, size_bytes: int = 0) -> float:
        """Allow the base, a share per file, and time for what compressed bytes may grow to."""
        gib = min(size_bytes * 8, self.limits.decoded_bytes) / 2**30
        scale = files * _SECONDS_PER_FILE + gib * self.limits.seconds_per_gib
        return self.limits.file_seconds + scale

    def _out(self) -> Path:
        self._count += 1
        return self.scratch / f"out-{self._count}.npy"

    def _take(self, out: Path) -> NDArray[Any]:
        """Fetch an array and remove its file; a large one stays mapped, not loaded."""
        large = out.stat().st_size > _IN_MEMORY_BYTES
        try:
            array: NDArray[Any] = np.load(out, mmap_mode="r" if large else None, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise ChildDiedError("This file could not be read. Export it again.") from error
        finally:
            out.unlink()
        return array

    def _ask(self, task: str, seconds: float, **request: Any) -> Any:
        child = self._started()
        line = json.dumps({"do": task, "seconds": seconds, **request}).encode() + b"\n"
        try:
            reply = self._exchange(child, line, seconds)
        except TimeoutError as error:  # an OSError too, so it comes first
            self._stop()
            raise TooLargeError(
                f"Reading this file took longer than {seconds:.0f} seconds. It is damaged or too "
                "large; export it again, uncompressed or in parts."
            ) from error
        except (OSError, ValueError) as error:
            self._stop()
            raise ChildDiedError(
                "Reading this file broke the reader, so it is damaged or made to do harm. "
                "Export it again from its source."
            ) from error
        if "answer" in reply:
            return reply["answer"]
        raise ERRORS.get(str(reply.get("code")), UnreadableError)(str(reply.get("sentence")))

    def _exchange(self, child: subprocess.Popen[bytes], line: bytes, seconds: float) -> Json:
        if child.stdin is None or child.stdout is None:
            raise OSError("The child has no pipes.")
        child.stdin.write(line)
        child.stdin.flush()
        received = bytearray()
        deadline = time.monotonic() + seconds + (_START_SECONDS if self._fresh else 0.0)
        self._fresh = False
        with selectors.DefaultSelector() as selector:
            selector.register(child.stdout, selectors.EVENT_READ)
            while not received.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError
                part = os.read(child.stdout.fileno(), 1 << 20)
                if not part:
                    raise OSError("The child ended.")
                received += part
        reply = json.loads(received)
        if not isinstance(reply, dict):
            raise ValueError("The child answered nonsense.")
        return reply

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        self._stop()
        environment = {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "PYTHONDONTWRITEBYTECODE": "1",
            **dict.fromkeys(_ONE_THREAD, "1"),
        }
        self._child = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "segmentation.interchange.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=self.scratch,
        )
        self._fresh = True
        if self._child.stdin is not None:
            self._child.stdin.write(json.dumps(asdict(self.limits)).encode() + b"\n")
        return self._child

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    # Unsent bytes to a dead child are of no use.
                    continue


def _words(paths: Sequence[Path]) -> list[str]:
    return [str(path) for path in paths]


def _header_or_error(reply: Json) -> DicomHeader | InterchangeError:
    if "answer" in reply:
        return header_from_json(reply["answer"])
    return ERRORS.get(str(reply.get("code")), UnreadableError)(str(reply.get("sentence")))
