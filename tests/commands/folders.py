"""Folders of drawn images with an index, and commands run as a person or a program runs them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from django.core.management import call_command
from PIL import Image

from tests.engine.drawn import ball, discs


def run(*words: Any) -> tuple[int, dict[str, Any], str]:
    """The exit code, the JSON (the only line on stdout) and what was said on stderr."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command(*(str(word) for word in words), "--json", stdout=out, stderr=err)
    except SystemExit as stop:
        code = int(stop.code or 0)
    (line,) = out.getvalue().splitlines()
    return code, json.loads(line), err.getvalue()


def write_index(folder: Path, rows: list[dict[str, Any]]) -> None:
    with (folder / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def disc_folder(folder: Path, count: int = 6, tests: int = 2) -> Path:
    """PNG images of discs with 16-bit label masks; the last ones are the test split."""
    folder.mkdir()
    rows = []
    for seed in range(count):
        picture, truth = discs(seed)
        Image.fromarray(picture.pixels[0, 0]).save(folder / f"disc{seed}.png")
        Image.fromarray(truth.instances[0]).save(folder / f"disc{seed}_mask.png")
        rows.append(
            {
                "id": f"disc{seed}",
                "image": f"disc{seed}.png",
                "mask": f"disc{seed}_mask.png",
                "split": "test" if seed >= count - tests else "train",
                "kind": "even" if seed % 2 == 0 else "odd",
                "n_instances": int(truth.instances.max()),
                "group": f"g{seed}",
            }
        )
    write_index(folder, rows)
    return folder


def ball_folder(folder: Path, count: int = 2) -> Path:
    """NIfTI volumes of a ball with two labels, in an orientation that is not the stored one."""
    folder.mkdir()
    affine = np.diag([-1.0, 1.0, 1.0, 1.0])
    rows = []
    for seed in range(count):
        picture, truth = ball(seed)
        for name, array in (("image", picture.pixels[0]), ("mask", truth.classes)):
            volume = nibabel.Nifti1Image(array.transpose(2, 1, 0), affine)
            nibabel.save(volume, folder / f"ball{seed}_{name}.nii.gz")
        rows.append(
            {
                "id": f"ball{seed}",
                "image": f"ball{seed}_image.nii.gz",
                "mask": f"ball{seed}_mask.nii.gz",
                "split": "train",
            }
        )
    write_index(folder, rows)
    return folder


def shade_folder(folder: Path, count: int = 6, tests: int = 2) -> Path:
    """Grey squares, bright and dark in turn, as the column ``shade`` says; the last are tests."""
    folder.mkdir()
    rows = []
    for number in range(count):
        rng = np.random.default_rng(number)
        bright = number % 2 == 0
        grey = (170 if bright else 30) + rng.integers(0, 50, (40, 40), dtype=np.uint8)
        Image.fromarray(grey.astype(np.uint8)).save(folder / f"square{number}.png")
        rows.append(
            {
                "id": f"square{number}",
                "image": f"square{number}.png",
                "split": "test" if number >= count - tests else "train",
                "shade": "bright" if bright else "dark",
            }
        )
    write_index(folder, rows)
    return folder
