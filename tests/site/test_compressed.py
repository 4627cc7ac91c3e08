"""Scripts and styles go over the wire as gzip, to those who take it, and as they are to others."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotFound,
    StreamingHttpResponse,
)
from django.test import RequestFactory

from medseg_site.compressed import Door, compressed_static
from medseg_site.places import REPOSITORY

BUILT = REPOSITORY / "segmentation" / "static" / "segmentation"
Answer = HttpResponse | StreamingHttpResponse
SCRIPT = "/static/segmentation/app.js"


def ask(static: Door, path: str, takes: str, **more: str) -> Answer:
    headers = {"Accept-Encoding": takes, **more}
    answer = static(RequestFactory().get(path, headers=headers))
    assert isinstance(answer, HttpResponse | StreamingHttpResponse)
    return answer


def body(answer: Answer) -> bytes:
    return b"".join(answer) if answer.status_code == 200 else b""


@pytest.fixture
def static(tmp_path: Path, settings: Any) -> Door:
    settings.MEDSEG_DATA = tmp_path

    def missing(request: HttpRequest) -> HttpResponse:
        return HttpResponseNotFound()

    return compressed_static(missing)


def test_a_script_comes_compressed_and_is_the_built_one(static: Door) -> None:
    answer = ask(static, SCRIPT, "gzip, deflate, br, zstd")
    assert answer["Content-Encoding"] == "gzip"
    assert answer["Vary"] == "Accept-Encoding"
    assert "javascript" in answer["Content-Type"]
    packed = body(answer)
    assert len(packed) == int(answer["Content-Length"])
    whole = (BUILT / "app.js").read_bytes()
    assert gzip.decompress(packed) == whole
    assert len(packed) < len(whole) / 2


def test_who_takes_no_gzip_gets_the_file_itself(static: Door) -> None:
    answer = ask(static, SCRIPT, "identity")
    assert not answer.has_header("Content-Encoding")
    assert answer["Vary"] == "Accept-Encoding"
    assert body(answer) == (BUILT / "app.js").read_bytes()


def test_what_a_browser_has_is_not_sent_again(static: Door) -> None:
    first = ask(static, SCRIPT, "gzip")
    again = ask(static, SCRIPT, "gzip", **{"If-None-Match": first["ETag"]})
    assert again.status_code == 304


def test_names_with_a_digest_are_kept_for_ever_and_compressed_too(
    static: Door,
) -> None:
    chunk = max((BUILT / "chunks").glob("*.js"), key=lambda path: path.stat().st_size)
    answer = ask(static, f"/static/segmentation/chunks/{chunk.name}", "gzip")
    assert "immutable" in answer["Cache-Control"]
    assert gzip.decompress(body(answer)) == chunk.read_bytes()


def test_a_second_process_compresses_nothing_anew(
    static: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = body(ask(static, SCRIPT, "gzip"))

    def refuse(*words: object, **more: object) -> bytes:
        raise AssertionError("it was there already")

    monkeypatch.setattr(gzip, "compress", refuse)
    second = compressed_static(lambda request: HttpResponseNotFound())
    assert body(ask(second, SCRIPT, "gzip")) == first
