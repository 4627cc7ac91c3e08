"""Folders, indices and zips for tests of the door."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from segmentation.interchange.types import Intake

GREY = np.arange(20 * 30, dtype=np.uint16).reshape(20, 30)


def png(path: Path, pixels: np.ndarray = GREY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, format="PNG")
    return path


def index(folder: Path, rows: list[dict[str, Any]]) -> None:
    with (folder / "index.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def zipped(folder: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w") as target:
        for path in sorted(folder.rglob("*")):
            target.write(path, path.relative_to(folder))
    return archive


def codes(intake: Intake) -> dict[str, str]:
    return {Path(refusal.name).name: refusal.code for refusal in intake.refusals}


def roles(intake: Intake) -> dict[str, str]:
    return {Path(file.name).name: file.role for file in intake.inputs}
