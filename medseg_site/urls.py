"""The site's addresses: machines' questions first, then the API, then the pages."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from medseg_site import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("admin/", admin.site.urls),
    path("api/v1/", include("segmentation.api.urls")),
    path("", include("segmentation.pages.urls")),
]

if settings.MEDSEG_METRICS:
    urlpatterns.insert(0, path("", include("medseg_site.metrics")))

handler400 = "segmentation.pages.errors.bad_request"
handler403 = "segmentation.pages.errors.not_permitted"
handler404 = "segmentation.pages.errors.not_found"
handler500 = "segmentation.pages.errors.failed"
