"""Prometheus' page, for site administrators (by session or by token) and only where switched on."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import path
from django_prometheus.exports import ExportToDjangoView
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.views import APIView


@extend_schema(exclude=True)
class MetricsView(APIView):
    permission_classes = (IsAdminUser,)

    def get(self, request: Request) -> HttpResponse:
        page: HttpResponse = ExportToDjangoView(request)
        return page


urlpatterns = [path("metrics", MetricsView.as_view())]
