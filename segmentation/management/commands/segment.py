"""``segment PATH… --network N --out DIR``: masks and findings for files, without a database."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import CommandParser
from numpy.typing import NDArray

from segmentation.engine.checkpoints import Network, load_network, resolve_network
from segmentation.engine.errors import CancelledError, EngineError
from segmentation.engine.moments import segment_moments
from segmentation.engine.suitability import suits
from segmentation.engine.types import Settings
from segmentation.interchange.intake import IntakeReader
from segmentation.interchange.types import ReadCase, ReadImage, Refusal
from segmentation.management.console import (
    DONE,
    FAILED,
    FileCommand,
    Outcome,
    from_one,
    share,
    stop_on_signal,
)
from segmentation.management.results import stem_of, write_results, write_uncertainty
from segmentation.services.pictures import picture_read


class Command(FileCommand):
    """Every input is judged by itself: one that cannot be read does not stop the others."""

    help = "Segment files or DICOM folders and write label files and findings."

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument(
            "--network", required=True, help="a name, NAME@VERSION, or a network's folder"
        )
        parser.add_argument("--out", required=True, type=Path, help="folder for the results")
        parser.add_argument("--score", type=share, help="score cut-off instead of the network's")
        parser.add_argument(
            "--overlap", type=share, help="overlap cut-off instead of the network's"
        )
        parser.add_argument(
            "--uncertainty",
            action="store_true",
            help="also write how unsure the network is of every pixel, 0 to 255",
        )
        parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
        parser.add_argument("--threads", type=from_one, help="number of CPU threads")

    def run(self, options: Mapping[str, Any]) -> Outcome:
        network = load_network(resolve_network(options["network"]))
        settings = Settings(
            options["score"], options["overlap"], options["device"], options["threads"]
        )
        options["out"].mkdir(parents=True, exist_ok=True)
        with stop_on_signal() as stopped:
            names = _Names()
            reports = [
                self._input(path, names, network, settings, options, stopped)
                for path in options["paths"]
            ]
        with suppress(OSError):  # left where there is something in it
            options["out"].rmdir()
        files = [report for part in reports for report in part]
        good = all(report["ok"] for report in files)
        return Outcome({"network": _called(network), "inputs": files}, DONE if good else FAILED)

    def _input(
        self,
        path: Path,
        names: _Names,
        network: Network,
        settings: Settings,
        options: Mapping[str, Any],
        stopped: Any,
    ) -> list[dict[str, Any]]:
        """All images of one path; a folder or file usually holds one."""
        reports = []
        with IntakeReader([path]) as reader:
            for found in reader:
                if isinstance(found, Refusal):
                    reports.append(self._refused(path, found.code, found.sentence, found.name))
                    continue
                stem = names.give(path, found.image)
                reports.append(self._image(path, stem, found, network, settings, options, stopped))
        if not reports:
            sentence = (
                "There is no image in it. Give an image, a volume or a folder of DICOM files."
            )
            reports.append(self._refused(path, "not_an_image", sentence))
        return reports

    def _image(
        self,
        path: Path,
        stem: str,
        case: ReadCase,
        network: Network,
        settings: Settings,
        options: Mapping[str, Any],
        stopped: Any,
    ) -> dict[str, Any]:
        doubt: list[NDArray[np.uint8]] | None = [] if options["uncertainty"] else None
        fits, reason = suits(network.card, picture_read(case.image), case.kind)
        try:
            found = segment_moments(
                lambda t: picture_read(case.image, t),
                len(case.image.pixels),
                network,
                settings,
                cancelled=stopped,
                keep_plane=None if doubt is None else lambda _, plane: doubt.append(plane.copy()),
            )
            written = write_results(options["out"], stem, case.image, network, found)
            drawn = write_uncertainty(options["out"], stem, case.image, found, doubt)
        except CancelledError:
            raise
        except EngineError as error:
            return self._refused(path, error.code, str(error), case.image.name)
        kept = sum(
            c.suppressed_by is None and c.score >= found.score_cutoff for c in found.candidates
        )
        note = "" if fits else f" Note: {reason}"
        if doubt is not None and drawn is None:
            note += " This network says nothing of single pixels, so no map was written."
        called = _inside(path, case.image.name)
        self.say(f"{called}: {kept} findings in {found.seconds:.1f} s on {found.device}.{note}")
        return {
            "input": str(path),
            "file": case.image.name,
            "ok": True,
            "labels": str(written[0]),
            "findings": str(written[1]),
            **({"map": None if drawn is None else str(drawn)} if doubt is not None else {}),
            "kept": kept,
            "candidates": len(found.candidates),
            "uncertainty": round(found.uncertainty, 6),
            "suits": fits,
            "reason": reason,
            "moments": found.moments,
            "warnings": list(case.image.warnings),
        }

    def _refused(self, path: Path, code: str, sentence: str, name: str = "") -> dict[str, Any]:
        self.say(f"{_inside(path, name)}: {sentence}")
        report = {"input": str(path), "ok": False, "code": code, "reason": sentence}
        return {**report, "file": name} if name else report


def _inside(path: Path, name: str) -> str:
    """What a person calls an image: the path given, and within a folder the file too."""
    return f"{path} ({name})" if path.is_dir() and name else str(path)


def _called(network: Network) -> str:
    return f"{network.card['name']}@{network.card['version']}"


class _Names:
    """Stems of results, no two alike: a second image of one name gets a number."""

    def __init__(self) -> None:
        self._used: dict[str, int] = {}

    def give(self, path: Path, image: ReadImage) -> str:
        """A DICOM folder's images are called after the folder, others after their own file."""
        plain_file = path.is_dir() and not image.series_key
        stem = stem_of(Path(image.name)) if plain_file else stem_of(path)
        self._used[stem] = self._used.get(stem, 0) + 1
        count = self._used[stem]
        return stem if count == 1 else f"{stem}-{count}"
