"""From environment variables to the places of a site: folder, key, database, broker, storage."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})


def switched_on(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").strip().lower() in TRUE_WORDS


def words(environ: Mapping[str, str], name: str) -> list[str]:
    """A list separated by commas, blanks ignored."""
    return [word.strip() for word in environ.get(name, "").split(",") if word.strip()]


def secret_key(environ: Mapping[str, str], folder: Path) -> str:
    """``MEDSEG_SECRET_KEY``, or a random key written once and read ever after.

    The file is linked into place whole, so two processes that start together agree on one key.
    """
    if given := environ.get("MEDSEG_SECRET_KEY"):
        return given
    path = folder / "secret_key"
    if not path.exists():
        draft = folder / f".secret_key.{os.getpid()}.{secrets.token_hex(4)}"
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(64))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was faster; its key is the site's
        finally:
            draft.unlink()
    return path.read_text().strip()


def database(environ: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """``DATABASE_URL``: ``sqlite:////path`` (default: in the data folder) or ``postgresql://``."""
    url = environ.get("DATABASE_URL", "")
    parts = urlsplit(url)
    if not url or parts.scheme == "sqlite":
        return _sqlite(unquote(parts.path)[1:] if url else str(folder / "medseg.sqlite3"))
    if parts.scheme in {"postgresql", "postgres"}:
        return _postgresql(url, pooled=environ.get("MEDSEG_DB_POOL", "1") in TRUE_WORDS)
    raise ImproperlyConfigured(
        f"DATABASE_URL begins with {parts.scheme!r}; use sqlite:////path or postgresql://…"
    )


def _sqlite(name: str) -> dict[str, Any]:
    """WAL lets readers pass a writer; IMMEDIATE makes writers queue instead of failing locked;
    FULL makes an acknowledged save outlive a power cut."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": name,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON"
            ),
        },
    }


def _postgresql(url: str, pooled: bool) -> dict[str, Any]:
    """``postgresql://user:password@host:port/name``; ``?host=/folder`` names a unix socket."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    options: dict[str, Any] = {
        key: value for key, value in query.items() if key not in {"host", "port"}
    }
    if pooled:
        options["pool"] = {"min_size": 1, "max_size": 8, "timeout": 10}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or "") or query.get("host", ""),
        "PORT": str(parts.port or query.get("port", "")),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def redis_url(environ: Mapping[str, str]) -> str:
    """As redis-py reads it: ``redis://…``, ``rediss://…`` or ``unix:///path``."""
    return environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0"


def broker_url(url: str) -> str:
    """The same broker as Celery spells it: a unix socket is ``redis+socket://`` there."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    number = dict(parse_qsl(parts.query)).get("db", "0")
    return f"redis+socket://{quote(unquote(parts.path))}?virtual_host={number}"


def blob_storage(environ: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """``MEDSEG_STORAGE``: a folder (default: ``blobs`` in the data folder) or ``s3://bucket/prefix``.

    Keys for S3 come from the usual ``AWS_*`` variables; ``MEDSEG_S3_ENDPOINT`` names a server
    other than Amazon's.
    """
    place = environ.get("MEDSEG_STORAGE", "")
    parts = urlsplit(place)
    if parts.scheme == "s3":
        return {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": parts.netloc,
                "location": parts.path.strip("/"),
                "endpoint_url": environ.get("MEDSEG_S3_ENDPOINT") or None,
                "region_name": environ.get("AWS_DEFAULT_REGION") or None,
                "default_acl": None,
                "file_overwrite": True,
                "querystring_auth": True,
            },
        }
    if parts.scheme not in {"", "file"}:
        raise ImproperlyConfigured(
            f"MEDSEG_STORAGE begins with {parts.scheme!r}; use a folder or s3://bucket"
        )
    location = Path(parts.path).expanduser() if place else folder / "blobs"
    return {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": str(location),
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    }
