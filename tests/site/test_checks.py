from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from segmentation import checks

MOUNTS = [
    "/dev/sda1 / ext4 rw 0 0",
    "server:/share /srv/images nfs4 rw 0 0",
    "/dev/sdb1 /srv/images/fast xfs rw 0 0",
]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/a/medseg.sqlite3", "ext4"),
        ("/srv/images/medseg.sqlite3", "nfs4"),
        ("/srv/images/fast/medseg.sqlite3", "xfs"),
        ("/srv/images-local/medseg.sqlite3", "ext4"),
    ],
)
def test_the_innermost_mount_names_the_file_system(path: str, kind: str) -> None:
    assert checks.file_system_of(path, MOUNTS) == kind


def test_a_database_on_a_network_disk_is_refused(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mounts"
    table.write_text("\n".join(MOUNTS))
    monkeypatch.setattr(checks, "MOUNTS", table)
    database = settings.DATABASES["default"]
    monkeypatch.setitem(database, "ENGINE", "django.db.backends.sqlite3")
    monkeypatch.setitem(database, "NAME", "/srv/images/medseg.sqlite3")
    assert [fault.id for fault in checks.database_place()] == ["medseg.E003"]
    monkeypatch.setitem(database, "NAME", "/home/a/medseg.sqlite3")
    assert checks.database_place() == []


def test_debug_pages_are_refused_once_others_can_reach_the_site(settings: Settings) -> None:
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
    assert checks.exposed_debug() == []
    settings.ALLOWED_HOSTS = ["localhost", "images.example"]
    assert [fault.id for fault in checks.exposed_debug()] == ["medseg.E001"]


def test_a_site_without_tls_is_warned(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "images.example"]
    settings.SESSION_COOKIE_SECURE = False
    assert [fault.id for fault in checks.plain_http()] == ["medseg.W002"]
    settings.SESSION_COOKIE_SECURE = True
    assert checks.plain_http() == []


def test_a_folder_open_to_everyone_is_warned(settings: Settings, tmp_path: Path) -> None:
    settings.MEDSEG_DATA = tmp_path
    tmp_path.chmod(0o755)
    assert [fault.id for fault in checks.open_folder()] == ["medseg.W004"]
    tmp_path.chmod(0o700)
    assert checks.open_folder() == []
