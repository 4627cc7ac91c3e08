"""The child that decodes untrusted bytes: ``python -m segmentation.interchange.worker``.

It reads one JSON request per line and writes one JSON reply per line; pixels go to the file the
request names. Before each task it bounds its own memory to what it holds plus a margin, and
raises the bound only by what a decoder was allowed to claim. It ends when its input ends.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from segmentation.interchange.annotations import read_boxes
from segmentation.interchange.budget import Budget
from segmentation.interchange.coco import read_coco
from segmentation.interchange.dicom_headers import read_header
from segmentation.interchange.dicom_volume import read_series
from segmentation.interchange.errors import InterchangeError, TooLargeError, UnreadableError
from segmentation.interchange.labels import read_labels
from segmentation.interchange.nifti import read_nifti, read_nifti_labels
from segmentation.interchange.raster import read_picture
from segmentation.interchange.tiff import read_tiff
from segmentation.interchange.types import Limits, ReadImage
from segmentation.interchange.wire import Json, header_to_json, image_to_json

_MARGIN_BYTES = 768 * 1024**2
_COPIES = 4
_FILES = 64
_NO_MEMORY = (
    "Reading this file takes more memory than is allowed. Crop the image, or save it uncompressed."
)


def serve(requests: TextIO, replies: TextIO) -> None:
    """Answer requests until there are no more; the first line holds the limits."""
    limits = Limits(**json.loads(requests.readline()))
    _bound_files(limits)
    for line in requests:
        request = json.loads(line)
        _bound_memory(0)
        _bound_seconds(float(request["seconds"]))
        replies.write(json.dumps(_answer(request, Budget(limits, _bound_memory))) + "\n")
        replies.flush()


def _answer(request: Json, budget: Budget) -> Json:
    try:
        return {"answer": _TASKS[request["do"]](request, budget)}
    except InterchangeError as error:
        return {"code": error.code, "sentence": error.sentence}
    except MemoryError:
        return {"code": TooLargeError.code, "sentence": _NO_MEMORY}
    except Exception as error:
        # The kind of the error is for the log; its text may quote the file and stays here.
        sentence = "This file could not be read. Export it again, or convert it to another format."
        return {"code": UnreadableError.code, "sentence": sentence, "kind": type(error).__name__}


def _scan(request: Json, budget: Budget) -> list[Json]:
    return [_answer({"do": "header", "path": path}, budget) for path in request["paths"]]


def _header(request: Json, _: Budget) -> Json:
    return header_to_json(read_header(Path(request["path"])))


def _series(request: Json, budget: Budget) -> Json:
    paths = [[Path(path) for path in row] for row in request["paths"]]
    return _deliver(read_series(paths, budget), request)


def _file(request: Json, budget: Budget) -> Json:
    path, kind = Path(request["path"]), request["kind"]
    if kind in ("png", "jpeg"):
        return _deliver(read_picture(path, kind, budget), request)
    if kind == "tiff":
        return _deliver(read_tiff(path, budget), request)
    return _deliver(read_nifti(path, kind, budget), request)


def _labels(request: Json, budget: Budget) -> Json:
    path, kind = Path(request["path"]), request["kind"]
    if kind in ("nifti", "nifti_gz"):
        labels, affine = read_nifti_labels(path, kind, budget)
        _save(labels, request["out"])
        return {"affine_lps": affine.tolist() if np.isfinite(affine).all() else None}
    _save(read_labels(path, kind, budget), request["out"])
    return {"affine_lps": None}


def _deliver(image: ReadImage, request: Json) -> Json:
    _save(image.pixels, request["out"])
    return image_to_json(image)


def _save(array: NDArray[Any], out: str) -> None:
    """Write an array where the parent asked for it, without a second copy in memory."""
    try:
        with open(out, "xb") as stream:
            # Reserved first: a full disk is an error here, but a fatal signal in a mapping.
            os.posix_fallocate(stream.fileno(), 0, array.nbytes + 256)
        target = open_memmap(out, mode="w+", dtype=array.dtype, shape=array.shape)
    except OSError as error:
        raise TooLargeError(
            "There is not enough free disk space to unpack this image. Free some and try again."
        ) from error
    target[...] = array


def _bound_memory(extra_bytes: int) -> None:
    with open("/proc/self/statm") as stream:
        held = int(stream.read().split()[0]) * resource.getpagesize()
    bound = held + _MARGIN_BYTES + _COPIES * extra_bytes
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (bound, hard))


def _bound_seconds(seconds: float) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    bound = int(used.ru_utime + used.ru_stime + seconds) + 2
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (bound, hard))


def _bound_files(limits: Limits) -> None:
    largest = limits.decoded_bytes + 1024**2
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, _FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


_TASKS: dict[str, Callable[[Json, Budget], Any]] = {
    "scan": _scan,
    "header": _header,
    "series": _series,
    "file": _file,
    "labels": _labels,
    "boxes": lambda request, budget: read_boxes(Path(request["path"]), budget),
    "coco": lambda request, budget: read_coco(Path(request["path"]), budget),
}

if __name__ == "__main__":
    # Libraries that print must not write into the replies.
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        serve(sys.stdin, answers)
