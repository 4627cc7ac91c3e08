"""Pixels: planes for the viewer, thumbnails and previews, and a run's candidates.

All of it never changes under its address, so a browser may keep it for good, but only its own.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.urls import path
from django.utils.cache import patch_vary_headers
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.views import APIView

from segmentation.api.permissions import person_of
from segmentation.errors import InvalidInputError
from segmentation.selectors import images as selectors

FOR_GOOD = "private, max-age=31536000, immutable"
SECURE = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}
MOMENT = OpenApiParameter("t", int, description="The moment, from 0.")


class SliceView(APIView):
    @extend_schema(
        operation_id="image_slice",
        parameters=[MOMENT],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, image_id: uuid.UUID, z: int) -> HttpResponseBase:
        """One plane: differences, zigzag and byte planes of its samples, compressed."""
        place = selectors.slice_place(
            user=person_of(request), image_id=image_id, z=z, t=moment_of(request)
        )
        return _plane(request, place)


@extend_schema_view(get=extend_schema(exclude=True))
class BareSliceView(SliceView):
    """The same without a slash at the end; the schema tells of one address only."""


class TileView(APIView):
    @extend_schema(
        operation_id="image_tile",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(
        self, request: Request, image_id: uuid.UUID, level: int, row: int, column: int
    ) -> HttpResponseBase:
        """One tile of a large picture, spelled like a plane; level 0 has the samples themselves."""
        at = (level, row, column)
        place = selectors.tile_place(user=person_of(request), image_id=image_id, at=at)
        return _plane(request, place)


class UncertaintyTileView(APIView):
    @extend_schema(
        operation_id="run_uncertainty_tile",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(
        self, request: Request, run_id: uuid.UUID, level: int, row: int, column: int
    ) -> HttpResponseBase:
        """One tile of a run's map of uncertainty of a large picture."""
        at = (level, row, column)
        place = selectors.uncertainty_tile_place(user=person_of(request), run_id=run_id, at=at)
        return _plane(request, place)


class UncertaintyView(APIView):
    @extend_schema(
        operation_id="run_uncertainty",
        parameters=[MOMENT],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, run_id: uuid.UUID, z: int) -> HttpResponseBase:
        """One plane of a run's map of uncertainty, 0 to 255, spelled like that of an image."""
        place = selectors.uncertainty_place(
            user=person_of(request), run_id=run_id, z=z, t=moment_of(request)
        )
        return _plane(request, place)


class ThumbnailView(APIView):
    @extend_schema(
        operation_id="image_thumbnail", responses={(200, "image/jpeg"): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, image_id: uuid.UUID) -> HttpResponseBase:
        """A small picture of the middle plane."""
        sha256 = selectors.thumbnail_blob(user=person_of(request), image_id=image_id)
        etag = f'"{sha256[:32]}"'
        if request.headers.get("If-None-Match") == etag:
            return _kept(HttpResponseNotModified(), etag)
        return _kept(HttpResponse(selectors.blob_bytes(sha256), content_type="image/jpeg"), etag)


class PreviewView(APIView):
    @extend_schema(
        operation_id="image_preview",
        parameters=[MOMENT],
        responses={(200, "image/jpeg"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, image_id: uuid.UUID, z: int) -> HttpResponseBase:
        """One plane as a picture in the image's own window."""
        content = selectors.preview_bytes(
            user=person_of(request), image_id=image_id, z=z, t=moment_of(request)
        )
        return _kept(HttpResponse(content, content_type="image/jpeg"))


class CandidatesView(APIView):
    @extend_schema(operation_id="case_candidates", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, case_id: uuid.UUID) -> HttpResponseBase:
        """All that the newest run proposed, the suppressed ones with who suppressed them."""
        frame = selectors.candidates_frame(user=person_of(request), case_id=case_id)
        zstd = accepts(request, "zstd")
        content = frame if zstd else selectors.as_gzip(frame)
        answer = HttpResponse(content, content_type="application/json")
        answer["Content-Encoding"] = "zstd" if zstd else "gzip"
        answer["Cache-Control"] = "private, no-cache"
        patch_vary_headers(answer, ["Accept-Encoding"])
        return answer


def _plane(request: Request, place: selectors.FramePlace) -> HttpResponseBase:
    """A stored plane or tile as it stands, for good, or word that the browser has it."""
    zstd = accepts(request, "zstd")
    etag = f'"{place.etag}-{"zstd" if zstd else "gzip"}"'
    if request.headers.get("If-None-Match") == etag:
        return _kept(HttpResponseNotModified(), etag)
    if zstd and settings.MEDSEG_ACCEL:
        answer = HttpResponse(content_type="application/octet-stream")
        answer["X-Accel-Redirect"] = f"/internal-slices/{place.file()}"
        return _kept(answer, etag)
    content, encoding = selectors.frame_bytes(place, zstd)
    answer = HttpResponse(content, content_type="application/octet-stream")
    answer["Content-Encoding"] = encoding
    return _kept(answer, etag)


def accepts(request: Request, encoding: str) -> bool:
    """Whether the client takes this content encoding (``;q=0`` says no)."""
    for part in request.headers.get("Accept-Encoding", "").split(","):
        name, _, weight = part.strip().partition(";")
        if name.strip().lower() == encoding:
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def moment_of(request: Request) -> int:
    given = request.query_params.get("t", "0")
    if not given.isascii() or not given.isdigit() or len(given) > 6:
        raise InvalidInputError("The moment is a number from 0.", fields={"t": given})
    return int(given)


def _kept(answer: HttpResponse, etag: str = "") -> HttpResponse:
    for name, value in SECURE.items():
        answer[name] = value
    answer["Cache-Control"] = FOR_GOOD
    if etag:
        answer["ETag"] = etag
        patch_vary_headers(answer, ["Accept-Encoding"])
    return answer


urlpatterns = [
    path("images/<uuid:image_id>/slices/<int:z>/", SliceView.as_view()),
    path("images/<uuid:image_id>/slices/<int:z>", BareSliceView.as_view()),
    path("images/<uuid:image_id>/tiles/<int:level>/<int:row>/<int:column>/", TileView.as_view()),
    path("images/<uuid:image_id>/thumbnail/", ThumbnailView.as_view(), name="image-thumbnail"),
    path("images/<uuid:image_id>/preview/<int:z>/", PreviewView.as_view()),
    path("runs/<uuid:run_id>/uncertainty/<int:z>/", UncertaintyView.as_view()),
    path(
        "runs/<uuid:run_id>/uncertainty/tiles/<int:level>/<int:row>/<int:column>/",
        UncertaintyTileView.as_view(),
    ),
    path("cases/<uuid:case_id>/candidates/", CandidatesView.as_view()),
]
