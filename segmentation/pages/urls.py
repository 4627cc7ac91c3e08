"""The pages' addresses. What starts like a page of the app is the shell's."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, re_path
from django.views.generic import RedirectView

from segmentation.pages import views

APP = r"^(?:(?:projects|cases|jobs|people|networks|account)(?:/.*)?)?$"

urlpatterns: list[URLPattern | URLResolver] = [
    path("sign-in/", views.sign_in),
    path("sign-out/", views.sign_out),
    path("link/", views.link),
    path("link/<str:token>/", views.link_open),
    path("favicon.ico", RedirectView.as_view(url="/static/pages/mark.svg")),
    re_path(APP, views.shell),
]
