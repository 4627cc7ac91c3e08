"""The settings of the test suite: a site of its own in a temporary folder, gone afterwards.

``DATABASE_URL``, ``MEDSEG_STORAGE`` and ``REDIS_URL`` are obeyed, so the same suite runs on
PostgreSQL, on S3 and with a real broker.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

from medseg_site.settings.build import build

_folder = tempfile.mkdtemp(prefix="medseg-test-")
_owner = os.getpid()


def _remove() -> None:
    """Only by the process that made it: a forked child leaves its parent's folder alone."""
    if os.getpid() == _owner:
        shutil.rmtree(_folder, ignore_errors=True)


atexit.register(_remove)
_environ = {**os.environ, "MEDSEG_DATA": _folder, "MEDSEG_SECRET_KEY": "test" * 16}
if _environ.get("MEDSEG_STORAGE", "").startswith("s3://"):
    # Processes that test side by side draw the same pictures, and delete them.
    _environ["MEDSEG_STORAGE"] += f"/{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
_settings = build(_environ)
_settings["DATABASES"]["default"]["TEST"] = (
    {"NAME": os.path.join(_folder, "test.sqlite3")}
    if _settings["DATABASES"]["default"]["ENGINE"].endswith("sqlite3")
    else {}
)
_settings["DATABASES"]["default"]["OPTIONS"].pop("pool", None)  # a pool would outlive its database
_settings["PASSWORD_HASHERS"] = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # speed
_settings["AXES_ENABLED"] = False
_settings["ALLOWED_HOSTS"] = ["*"]
globals().update(_settings)
