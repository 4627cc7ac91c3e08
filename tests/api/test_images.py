from __future__ import annotations

import gzip
import io
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from django.contrib.auth.models import User
from numpy.typing import NDArray
from PIL import Image as Pillow
from rest_framework.test import APIClient

from segmentation.models import (
    Blob,
    Case,
    Image,
    Network,
    NetworkVersion,
    Project,
    SegmentationRun,
)
from segmentation.storage import tiles
from segmentation.storage.blobs import blob_put
from segmentation.storage.codec import decode_samples
from segmentation.storage.folders import cache_folder
from segmentation.storage.pictures import thumbnail_jpeg
from segmentation.storage.volumes import pack_write, slice_plane
from tests.builders import a_case, a_member, a_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return a_project()


@pytest.fixture
def image(project: Project) -> Image:
    return a_case(project, (3, 48, 64)).images.get()


@pytest.fixture
def client(project: Project) -> APIClient:
    return signed_in(a_member(project, "viewer"))


def signed_in(person: User) -> APIClient:
    client = APIClient()
    client.force_login(person)
    return client


def address(image: Image, rest: str) -> str:
    return f"/api/v1/images/{image.pk}/{rest}"


def plane(image: Image, z: int) -> NDArray[Any]:
    return slice_plane(image.pack_id, z)


def samples(content: bytes) -> NDArray[Any]:
    return decode_samples(content, np.dtype("uint16"), (1, 48, 64))


def test_a_plane_comes_as_it_is_stored_to_who_knows_zstd(client: APIClient, image: Image) -> None:
    answer = client.get(address(image, "slices/1/?t=0"), headers={"Accept-Encoding": "gzip, zstd"})
    assert (answer.status_code, answer["Content-Encoding"]) == (200, "zstd")
    content = zstandard.ZstdDecompressor().decompress(answer.content)
    assert np.array_equal(samples(content), plane(image, 1))


@pytest.mark.parametrize("accepted", ["gzip, deflate", "zstd;q=0, gzip"])
def test_others_get_gzip(client: APIClient, image: Image, accepted: str) -> None:
    answer = client.get(address(image, "slices/2/"), headers={"Accept-Encoding": accepted})
    assert answer["Content-Encoding"] == "gzip"
    assert np.array_equal(samples(gzip.decompress(answer.content)), plane(image, 2))


def test_a_plane_never_changes_so_a_browser_keeps_it_for_itself(
    client: APIClient, image: Image
) -> None:
    answer = client.get(address(image, "slices/1/"))
    assert "private" in answer["Cache-Control"]
    assert "immutable" in answer["Cache-Control"]
    assert "Accept-Encoding" in answer["Vary"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    again = client.get(address(image, "slices/1/"), headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(address(image, "slices/2/"), headers={"If-None-Match": answer["ETag"]})
    assert other.status_code == 200


@pytest.mark.parametrize("rest", ["slices/3/", "slices/0/?t=1", "preview/9/"])
def test_a_plane_that_is_not_there_is_not_found(client: APIClient, image: Image, rest: str) -> None:
    assert client.get(address(image, rest)).status_code == 404


def test_a_moment_that_is_no_number_is_refused(client: APIClient, image: Image) -> None:
    assert client.get(address(image, "slices/0/?t=x")).status_code == 400


def test_pixels_of_other_projects_do_not_exist(image: Image) -> None:
    stranger = signed_in(a_member(a_project(), "administrator"))
    for rest in ("slices/0/", "thumbnail/", "preview/0/"):
        answer = stranger.get(address(image, rest), headers={"If-None-Match": "*"})
        assert answer.status_code == 404
    assert APIClient().get(address(image, "slices/0/")).status_code == 401


def test_a_web_server_in_front_may_send_the_plane_itself(
    client: APIClient, image: Image, settings: Any
) -> None:
    settings.MEDSEG_ACCEL = True
    answer = client.get(address(image, "slices/1/"), headers={"Accept-Encoding": "zstd"})
    assert answer.content == b""
    prefix, name = answer["X-Accel-Redirect"][:17], answer["X-Accel-Redirect"][17:]
    assert prefix == "/internal-slices/"
    frame = (Path(settings.MEDSEG_DATA) / "cache" / "slices" / name).read_bytes()
    content = zstandard.ZstdDecompressor().decompress(frame)
    assert np.array_equal(samples(content), plane(image, 1))
    plain = client.get(address(image, "slices/1/"), headers={"Accept-Encoding": "gzip"})
    assert "X-Accel-Redirect" not in plain


def test_thumbnails_and_previews_are_jpegs(client: APIClient, image: Image) -> None:
    assert client.get(address(image, "thumbnail/")).status_code == 404
    picture = thumbnail_jpeg(plane(image, 1), None)
    Image.objects.filter(pk=image.pk).update(thumbnail=blob_put(picture, Blob.Kind.THUMBNAIL))
    answer = client.get(address(image, "thumbnail/"))
    assert (answer["Content-Type"], answer.content) == ("image/jpeg", picture)
    kept = client.get(address(image, "thumbnail/"), headers={"If-None-Match": answer["ETag"]})
    assert kept.status_code == 304
    preview = client.get(address(image, "preview/1/"))
    assert Pillow.open(io.BytesIO(preview.content)).size == (64, 48)


def test_a_preview_is_shown_in_the_images_own_window(client: APIClient, image: Image) -> None:
    # Values are stored * 2 - 100: with the window's centre far above them, all are black.
    Image.objects.filter(pk=image.pk).update(slope=2, intercept=-100, window=[90_000, 10])
    preview = client.get(address(image, "preview/0/"))
    assert np.asarray(Pillow.open(io.BytesIO(preview.content))).max() == 0


def test_candidates_are_not_found_before_a_prediction(client: APIClient, project: Project) -> None:
    case = Case.objects.get(project=project) if project.cases.exists() else a_case(project)
    assert client.get(f"/api/v1/cases/{case.pk}/candidates/").status_code == 404
    assert client.get(f"/api/v1/cases/{uuid.uuid4()}/candidates/").status_code == 404


def a_run(image: Image, uncertainty: Blob | None) -> SegmentationRun:
    network = Network.objects.create(project=None, name=uuid.uuid4().hex, task="semantic2d")
    version = NetworkVersion.objects.create(
        network=network,
        number=1,
        state=NetworkVersion.State.CHAMPION,
        weights=blob_put(uuid.uuid4().bytes, Blob.Kind.WEIGHTS),
        card={},
        digest=uuid.uuid4().hex,
    )
    return SegmentationRun.objects.create(
        case=image.case,
        image=image,
        network_version=version,
        candidates=blob_put(b"candidates", Blob.Kind.CANDIDATES),
        uncertainty_map=uncertainty,
        score_cutoff=0.5,
        overlap_cutoff=0.4,
        uncertainty=0.2,
        device="cpu",
        seconds=1.0,
    )


def test_a_run_s_uncertainty_comes_plane_by_plane_and_is_kept_for_good(
    client: APIClient, image: Image, tmp_path: Path
) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (1, 1, 3, 48, 64), dtype=np.uint8)
    pack_write(levels, tmp_path / "pack")
    run = a_run(image, blob_put(tmp_path / "pack", Blob.Kind.UNCERTAINTY))
    answer = client.get(
        f"/api/v1/runs/{run.pk}/uncertainty/2/", headers={"Accept-Encoding": "zstd"}
    )
    content = zstandard.ZstdDecompressor().decompress(answer.content)
    drawn = decode_samples(content, np.dtype("uint8"), (1, 48, 64))
    assert np.array_equal(drawn, levels[0, :, 2])
    assert "immutable" in answer["Cache-Control"]
    again = client.get(
        f"/api/v1/runs/{run.pk}/uncertainty/2/",
        headers={"Accept-Encoding": "zstd", "If-None-Match": answer["ETag"]},
    )
    assert again.status_code == 304
    assert client.get(f"/api/v1/runs/{run.pk}/uncertainty/3/").status_code == 404
    told = client.get(f"/api/v1/cases/{image.case_id}/").json()["run"]
    assert (told["has_uncertainty_map"], told["uncertain_places"]) == (True, [])


def test_a_run_without_a_map_says_so_and_strangers_learn_nothing(
    client: APIClient, image: Image
) -> None:
    run = a_run(image, None)
    answer = client.get(f"/api/v1/runs/{run.pk}/uncertainty/0/")
    assert answer.status_code == 404
    assert "No map of uncertainty" in answer.json()["message"]
    assert client.get(f"/api/v1/runs/{uuid.uuid4()}/uncertainty/0/").status_code == 404
    stranger = signed_in(a_member(a_project(), "viewer"))
    refused = stranger.get(f"/api/v1/runs/{run.pk}/uncertainty/0/")
    assert refused.status_code == 404
    assert "No map" not in refused.json()["message"]


@pytest.fixture
def large(project: Project, monkeypatch: pytest.MonkeyPatch) -> Image:
    """A picture that counts as large, so that a small one is enough to test with."""
    monkeypatch.setattr(tiles, "LARGEST_PLANE_PX", 300_000)
    return a_case(project, (1, 600, 700)).images.get()


def test_a_large_picture_comes_in_tiles(client: APIClient, large: Image) -> None:
    told = client.get(f"/api/v1/cases/{large.case_id}/").json()["images"][0]
    assert told["tiles"] == {"size": 512, "levels": 2}
    answer = client.get(address(large, "tiles/0/1/1/"), headers={"Accept-Encoding": "zstd"})
    assert (answer.status_code, answer["Content-Encoding"]) == (200, "zstd")
    content = zstandard.ZstdDecompressor().decompress(answer.content)
    tile = decode_samples(content, np.dtype(large.dtype), (1, 88, 188))
    assert np.array_equal(tile, plane(large, 0)[:, 512:, 512:])
    assert "immutable" in answer["Cache-Control"]
    kept = {"If-None-Match": answer["ETag"], "Accept-Encoding": "zstd"}
    assert client.get(address(large, "tiles/0/1/1/"), headers=kept).status_code == 304
    assert client.get(address(large, "tiles/0/1/0/"), headers=kept).status_code == 200
    assert client.get(address(large, "tiles/1/0/0/")).status_code == 200


def test_tiles_that_do_not_exist_or_are_not_yours_are_not_found(
    client: APIClient, image: Image, large: Image
) -> None:
    for rest in ("tiles/2/0/0/", "tiles/0/2/0/", "tiles/0/0/2/", "tiles/1/0/1/"):
        assert client.get(address(large, rest)).status_code == 404
    assert client.get(address(image, "tiles/0/0/0/")).status_code == 404
    stranger = signed_in(a_member(a_project(), "administrator"))
    assert stranger.get(address(large, "tiles/0/0/0/")).status_code == 404
    assert APIClient().get(address(large, "tiles/0/0/0/")).status_code == 401


def test_a_web_server_in_front_may_send_the_tile_itself(
    client: APIClient, large: Image, settings: Any
) -> None:
    settings.MEDSEG_ACCEL = True
    answer = client.get(address(large, "tiles/1/0/0/"), headers={"Accept-Encoding": "zstd"})
    prefix, name = answer["X-Accel-Redirect"][:17], answer["X-Accel-Redirect"][17:]
    assert (answer.content, prefix) == (b"", "/internal-slices/")
    assert (cache_folder("slices") / name).is_file()


def test_the_uncertainty_of_a_large_picture_comes_in_tiles_too(
    client: APIClient, large: Image, tmp_path: Path
) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (1, 1, 1, 600, 700), dtype=np.uint8)
    pack_write(levels, tmp_path / "pack")
    run = a_run(large, blob_put(tmp_path / "pack", Blob.Kind.UNCERTAINTY))
    answer = client.get(
        f"/api/v1/runs/{run.pk}/uncertainty/tiles/0/1/0/", headers={"Accept-Encoding": "zstd"}
    )
    content = zstandard.ZstdDecompressor().decompress(answer.content)
    drawn = decode_samples(content, np.dtype("uint8"), (1, 88, 512))
    assert np.array_equal(drawn, levels[0, :, 0, 512:, :512])
    assert client.get(f"/api/v1/runs/{run.pk}/uncertainty/tiles/0/2/0/").status_code == 404
    stranger = signed_in(a_member(a_project(), "viewer"))
    refused = stranger.get(f"/api/v1/runs/{run.pk}/uncertainty/tiles/0/0/0/")
    assert refused.status_code == 404
