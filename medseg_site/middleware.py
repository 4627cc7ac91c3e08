"""Headers that keep a page of this site in a browsing context of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

Answer = HttpResponseBase | Awaitable[HttpResponseBase]

HEADERS = {
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
RUN_HEADER = "X-Medseg-Run"


def _mark(response: HttpResponseBase) -> HttpResponseBase:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if settings.MEDSEG_RUN:
        # The word by which the supervisor knows its own server from another on the same port.
        response.headers[RUN_HEADER] = settings.MEDSEG_RUN
    return response


@sync_and_async_middleware
def isolate(get_response: Callable[[HttpRequest], Answer]) -> Callable[[HttpRequest], Answer]:
    if iscoroutinefunction(get_response):

        async def isolate_async(request: HttpRequest) -> HttpResponseBase:
            return _mark(await cast(Awaitable[HttpResponseBase], get_response(request)))

        return isolate_async

    def isolate_sync(request: HttpRequest) -> HttpResponseBase:
        return _mark(cast(HttpResponseBase, get_response(request)))

    return isolate_sync
