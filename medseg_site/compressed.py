"""The pages' scripts and styles, sent as gzip by a site that has no proxy in front of it."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware

Door = Callable[[HttpRequest], HttpResponseBase]
SUFFIXES = (".js", ".css")
LEVEL = 9
SMALLEST = 512
"""Smaller files gain nothing: they fill one packet either way."""


def compressed_static(get_response: Door) -> Door:
    """WhiteNoise, which sends a compressed neighbour of a file where there is one.

    Ours have none: the built files are kept as they are built, and the installed package may be
    read-only. So they are compressed once, at the start, into the site's own folder.
    """
    static = WhiteNoiseMiddleware(get_response)
    for url, found in static.files.items():
        if "/segmentation/" in url and url.endswith(SUFFIXES) and len(found.alternatives) == 1:
            _offer(found)
    return cast(Door, static)


def _offer(found: Any) -> None:
    """Put a compressed copy before the plain file, for those who take it."""
    _, plain, headers = found.alternatives[0]
    path = Path(plain)
    told = path.stat()
    if told.st_size < SMALLEST:
        return
    folder = Path(settings.MEDSEG_DATA) / "compressed"
    copy = folder / f"{path.name}-{told.st_mtime_ns:x}-{told.st_size:x}.gz"
    if not copy.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = folder / f".{copy.name}.{os.getpid()}"
        part.write_bytes(gzip.compress(path.read_bytes(), LEVEL, mtime=0))
        part.replace(copy)
    own = [(name, value) for name, value in headers if name not in {"Content-Length", "Vary"}]
    own.append(("Vary", "Accept-Encoding"))
    size = str(copy.stat().st_size)
    packed = [*own, ("Content-Length", size), ("Content-Encoding", "gzip")]
    whole = [*own, ("Content-Length", str(told.st_size))]
    found.alternatives = [
        (re.compile(r"\bgzip\b"), str(copy), packed),
        (re.compile(""), plain, whole),
    ]
