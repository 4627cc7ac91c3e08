"""All settings of a site as one function of its environment variables, so tests can ask for any."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from medseg_site.logs import logging_settings
from medseg_site.places import REPOSITORY, data_folder
from medseg_site.settings import environment as env
from medseg_site.settings.protection import protection
from medseg_site.settings.queue import celery

VITE_ASSET = re.compile(r"^/static/segmentation/(assets|chunks|workers)/.+-[\w-]{8}\.\w+$")
"""Names that carry a digest of their bytes and may be cached for ever."""


def build(environ: Mapping[str, str]) -> dict[str, Any]:
    """Every setting by name. Makes the data folder and the secret key where they are missing."""
    folder = data_folder(environ)
    redis = env.redis_url(environ)
    return {
        "DEBUG": env.switched_on(environ, "MEDSEG_DEBUG"),
        "SECRET_KEY": env.secret_key(environ, folder),
        "MEDSEG_DATA": folder,
        "MEDSEG_RUN": environ.get("MEDSEG_RUN", ""),
        "MEDSEG_KEEP_ORIGINALS": env.switched_on(environ, "MEDSEG_KEEP_ORIGINALS"),
        "MEDSEG_ACCEL": env.switched_on(environ, "MEDSEG_ACCEL"),
        "MEDSEG_METRICS": env.switched_on(environ, "MEDSEG_METRICS"),
        "REDIS_URL": redis,
        "CELERY": celery(env.broker_url(redis)),
        **_applications(metrics=env.switched_on(environ, "MEDSEG_METRICS")),
        **_stores(environ),
        **_language(),
        **_rest(),
        **protection(environ),
        "LOGGING_CONFIG": "logging.config.dictConfig",
        "LOGGING": logging_settings(
            as_json=environ.get("MEDSEG_LOG", "") == "json",
            level=environ.get("MEDSEG_LOG_LEVEL", "INFO"),
            tell_all=env.switched_on(environ, "MEDSEG_DEBUG"),
        ),
    }


def _applications(metrics: bool) -> dict[str, Any]:
    middleware = [
        "django.middleware.security.SecurityMiddleware",
        "medseg_site.middleware.isolate",
        "medseg_site.compressed.compressed_static",
        "csp.middleware.CSPMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.locale.LocaleMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
        "axes.middleware.AxesMiddleware",
    ]
    if metrics:
        middleware.insert(0, "django_prometheus.middleware.PrometheusBeforeMiddleware")
        middleware.append("django_prometheus.middleware.PrometheusAfterMiddleware")
    return {
        "INSTALLED_APPS": [
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.staticfiles",
            "rest_framework",
            "drf_spectacular",
            "django_filters",
            "knox",
            "axes",
            "csp",
            *(["django_prometheus"] if metrics else []),
            "segmentation",
        ],
        "MIDDLEWARE": middleware,
        "PROMETHEUS_EXPORT_MIGRATIONS": False,
        "ROOT_URLCONF": "medseg_site.urls",
        "ASGI_APPLICATION": "medseg_site.asgi.application",
        "LOGIN_URL": "/sign-in/",
        "LOGIN_REDIRECT_URL": "/",
        "LOGOUT_REDIRECT_URL": "/sign-in/",
        "APPEND_SLASH": False,
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
    }


def _stores(environ: Mapping[str, str]) -> dict[str, Any]:
    folder = data_folder(environ)
    blobs = env.blob_storage(environ, folder)
    uploads = folder / "uploads"
    static = Path(environ.get("MEDSEG_STATIC") or folder / "static")
    for needed in (uploads, static):
        needed.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "DATABASES": {"default": env.database(environ, folder)},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "STORAGES": {
            "default": blobs,
            "blobs": blobs,
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        },
        "STATIC_URL": "/static/",
        "STATIC_ROOT": str(static),
        "WHITENOISE_USE_FINDERS": True,
        "WHITENOISE_AUTOREFRESH": False,
        "WHITENOISE_MAX_AGE": 0,  # app.js keeps its name: asked for anew after each upgrade
        "WHITENOISE_IMMUTABLE_FILE_TEST": VITE_ASSET.pattern,
        "FILE_UPLOAD_TEMP_DIR": str(uploads),
        "FILE_UPLOAD_PERMISSIONS": 0o600,
        "DATA_UPLOAD_MAX_MEMORY_SIZE": 32 * 2**20,
        "DATA_UPLOAD_MAX_NUMBER_FIELDS": 20_000,
        "DATA_UPLOAD_MAX_NUMBER_FILES": 10_000,
    }


def _language() -> dict[str, Any]:
    """A reader's browser chooses among the languages that have a whole catalogue."""
    return {
        "LANGUAGE_CODE": "en",
        "LANGUAGES": [("en", "English"), ("de", "Deutsch")],
        # Named here so that our words win over Django's for the same English.
        "LOCALE_PATHS": [REPOSITORY / "segmentation" / "locale"],
        "TIME_ZONE": "UTC",
        "USE_TZ": True,
        "USE_I18N": True,
    }


def _rest() -> dict[str, Any]:
    return {
        "REST_FRAMEWORK": {
            # Tokens first: their challenge turns "not signed in" into 401, which the page tells
            # apart from "not allowed" and answers by asking for the password in place.
            "DEFAULT_AUTHENTICATION_CLASSES": [
                "knox.auth.TokenAuthentication",
                "rest_framework.authentication.SessionAuthentication",
            ],
            "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
            "DEFAULT_PARSER_CLASSES": [
                "rest_framework.parsers.JSONParser",
                "rest_framework.parsers.MultiPartParser",
            ],
            "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
            "EXCEPTION_HANDLER": "segmentation.api.error_handler.handle",
            "TEST_REQUEST_DEFAULT_FORMAT": "json",
            "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
        },
        "REST_KNOX": {
            "TOKEN_TTL": timedelta(days=90),
            "TOKEN_LIMIT_PER_USER": 20,
            "AUTO_REFRESH": False,
        },
        "SPECTACULAR_SETTINGS": {
            "TITLE": "medseg",
            "DESCRIPTION": "Review and correct segmentations of medical images.",
            "VERSION": "1",
            "OAS_VERSION": "3.1.1",
            "SCHEMA_PATH_PREFIX": r"/api/v1",
            "COMPONENT_SPLIT_REQUEST": True,
            "SERVE_INCLUDE_SCHEMA": False,
            "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
            "POSTPROCESSING_HOOKS": [
                "drf_spectacular.hooks.postprocess_schema_enums",
                "segmentation.api.schema_hooks.tell_refusals",
            ],
            "ENUM_NAME_OVERRIDES": {
                "CaseStateEnum": "segmentation.api.shapes.CASE_STATES",
                "FindingStateEnum": "segmentation.api.shapes.FINDING_STATES",
                "MeasureKindEnum": "segmentation.api.measurements.KINDS",
                "JobStateEnum": "segmentation.api.jobs.JOB_STATES",
                "NetworkVersionStateEnum": "segmentation.api.networks.VERSION_STATES",
                "QueueEnum": "segmentation.api.jobs.QUEUES",
                "UploadStateEnum": "segmentation.api.uploads.UPLOAD_STATES",
                "RoleEnum": "segmentation.api.shapes.ROLES",
                "TaskEnum": "segmentation.api.shapes.TASKS",
            },
        },
    }
