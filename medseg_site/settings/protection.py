"""What protects a person's session and the page: cookies, headers, passwords, sign-in limits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from csp.constants import NONE, SELF

from medseg_site.settings.environment import switched_on, words

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "blob:", "data:"],
        "worker-src": [SELF, "blob:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

_VALIDATORS = "django.contrib.auth.password_validation"


def protection(environ: Mapping[str, str]) -> dict[str, Any]:
    tls = switched_on(environ, "MEDSEG_TLS")
    return {
        "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]", *words(environ, "MEDSEG_HOSTS")],
        "CSRF_TRUSTED_ORIGINS": words(environ, "MEDSEG_ORIGINS"),
        "CONTENT_SECURITY_POLICY": CONTENT_SECURITY_POLICY,
        "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_REFERRER_POLICY": "same-origin",
        "X_FRAME_OPTIONS": "DENY",
        "SESSION_COOKIE_NAME": "__Host-medseg" if tls else "medseg",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": tls,
        "SESSION_COOKIE_AGE": 12 * 3600,
        "CSRF_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SECURE": tls,
        "CSRF_FAILURE_VIEW": "segmentation.pages.errors.csrf_failure",
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https") if tls else None,
        "SECURE_HSTS_SECONDS": 31_536_000 if tls else 0,
        "AUTH_PASSWORD_VALIDATORS": [
            {
                "NAME": f"{_VALIDATORS}.MinimumLengthValidator",
                "OPTIONS": {"min_length": 10},
            },
            {"NAME": f"{_VALIDATORS}.UserAttributeSimilarityValidator"},
            {"NAME": f"{_VALIDATORS}.CommonPasswordValidator"},
            {"NAME": f"{_VALIDATORS}.NumericPasswordValidator"},
        ],
        "PASSWORD_RESET_TIMEOUT": 3 * 24 * 3600,
        "AUTHENTICATION_BACKENDS": [
            "axes.backends.AxesStandaloneBackend",
            "django.contrib.auth.backends.ModelBackend",
        ],
        # Ten wrong passwords for one name from one address close that pair for a quarter hour.
        "AXES_FAILURE_LIMIT": 10,
        "AXES_COOLOFF_TIME": timedelta(minutes=15),
        "AXES_LOCKOUT_PARAMETERS": [["username", "ip_address"]],
        "AXES_RESET_ON_SUCCESS": True,
        "AXES_VERBOSE": False,
        "AXES_SENSITIVE_PARAMETERS": ["username", "ip_address"],
        "AXES_HTTP_RESPONSE_CODE": 429,
        "AXES_LOCKOUT_CALLABLE": "segmentation.pages.errors.locked_out",
        "AXES_DISABLE_ACCESS_LOG": True,
    }
