"""The child is bounded in memory and time, may die, and the next file is read all the same."""

from __future__ import annotations

import os
import signal
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import DeflatedExplicitVRLittleEndian

from segmentation.interchange.errors import InterchangeError, TooLargeError, UnreadableError
from segmentation.interchange.sandbox import ChildDiedError, Sandbox
from segmentation.interchange.types import Limits
from tests.interchange.drawn import asymmetric, save, slice_of, write_axial


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


def picture(folder: Path) -> Path:
    Image.fromarray(np.arange(24, dtype=np.uint8).reshape(4, 6)).save(folder / "p.png")
    return folder / "p.png"


def children() -> set[int]:
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(pid) for task in tasks for pid in task.read_text().split()}


def test_pixels_and_facts_cross_the_border_unchanged(sandbox: Sandbox, tmp_path: Path) -> None:
    paths = write_axial(tmp_path, [0, 2, 4], RescaleSlope=1, RescaleIntercept=-1000)
    headers = sandbox.headers(paths)
    assert not any(isinstance(header, InterchangeError) for header in headers)
    image = sandbox.series([paths])
    assert image.pixels[0, 0, :, 0, 0].tolist() == [-1000, -999, -998]
    assert image.spacing_mm == (2.0, 0.5, 0.25)
    assert image.affine_lps[:3, 3].tolist() == [-3, 4, 0]
    assert image.source.stored_shape == (3, 5, 7)
    assert image.attributes["SOPClass"] == "CT Image Storage"


def test_one_child_serves_many_files(sandbox: Sandbox, tmp_path: Path) -> None:
    path = picture(tmp_path)
    sandbox.file(path, "png")
    before = children_of_worker()
    for _ in range(20):
        sandbox.file(path, "png")
    assert children_of_worker() == before


def test_a_large_image_is_mapped_and_leaves_no_file(sandbox: Sandbox, tmp_path: Path) -> None:
    Image.fromarray(np.full((3000, 3000), 7, np.uint8)).save(tmp_path / "l.png")
    image = sandbox.file(tmp_path / "l.png", "png")
    assert isinstance(image.pixels, np.memmap)
    assert int(image.pixels.sum()) == 7 * 3000 * 3000
    assert not list(sandbox.scratch.glob("out-*"))


def test_a_refusal_in_the_child_is_a_refusal_here(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    with pytest.raises(UnreadableError, match="PNG file is damaged"):
        sandbox.file(tmp_path / "b.png", "png")


def test_a_child_that_is_killed_is_a_refusal_and_the_next_file_is_read(tmp_path: Path) -> None:
    others = children_of_worker()
    with Sandbox() as sandbox:
        sandbox.file(picture(tmp_path), "png")
        (pid,) = children_of_worker() - others
        os.mkfifo(tmp_path / "never")  # Opening it waits for a writer that does not come.
        killer = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
        killer.start()
        with pytest.raises(ChildDiedError, match="broke the reader"):
            sandbox.file(tmp_path / "never", "nifti")
        killer.join()
        assert sandbox.file(picture(tmp_path), "png").pixels.shape == (1, 1, 1, 4, 6)
    assert children_of_worker() == others


def test_a_file_that_takes_too_long_is_refused_and_the_child_replaced(tmp_path: Path) -> None:
    others = children_of_worker()
    with Sandbox(Limits(file_seconds=0.5)) as sandbox:
        sandbox.file(picture(tmp_path), "png")
        (before,) = children_of_worker() - others
        os.mkfifo(tmp_path / "never")
        start = time.monotonic()
        with pytest.raises(TooLargeError, match="took longer"):
            sandbox.file(tmp_path / "never", "nifti")
        assert time.monotonic() - start < 5
        sandbox.file(picture(tmp_path), "png")
        (after,) = children_of_worker() - others
        assert after != before


def test_a_header_that_hides_gigabytes_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    """A deflated file of 3 MB whose dataset unpacks to 3 GiB must not be unpacked here."""
    dataset = slice_of(asymmetric()[0])
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = save(dataset, tmp_path / "d.dcm")
    raw = path.read_bytes()
    # Preamble and prefix, the group length (8 + 4 bytes), and the meta group of that length.
    head = raw[: 144 + int.from_bytes(raw[140:144], "little")]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(bytes(1024**2)) + packer.flush(zlib.Z_FULL_FLUSH)
    path.write_bytes(head + block * 3072 + packer.flush())
    (found,) = sandbox.headers([path])
    assert isinstance(found, TooLargeError)


def test_one_bad_header_in_a_batch_hides_no_good_ones(sandbox: Sandbox, tmp_path: Path) -> None:
    paths = write_axial(tmp_path, [0, 1, 2])
    paths[1].write_bytes(paths[1].read_bytes()[:200])
    good, bad, also_good = sandbox.headers(paths)
    assert isinstance(bad, InterchangeError)
    assert not isinstance(good, InterchangeError)
    assert not isinstance(also_good, InterchangeError)


def test_the_child_inherits_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "zebrafink")
    others = children_of_worker()
    with Sandbox() as sandbox:
        sandbox.file(picture(tmp_path), "png")
        (pid,) = children_of_worker() - others
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        limits = Path(f"/proc/{pid}/limits").read_text()
    assert b"zebrafink" not in environment
    assert b"OMP_NUM_THREADS=1" in environment
    assert "unlimited" not in next(line for line in limits.splitlines() if "file size" in line)


def children_of_worker() -> set[int]:
    """The children of this process that run the worker."""
    found = set()
    for pid in children():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            command = b""
        if b"segmentation.interchange.worker" in command:
            found.add(pid)
    return found
