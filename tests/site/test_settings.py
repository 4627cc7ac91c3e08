"""Settings are one function of the environment; these ask it for sites of several kinds."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, override_settings

from medseg_site.logs import describe, failure_without_words, keep_known_fields
from medseg_site.places import LONGEST_SOCKET_PATH, socket_path
from medseg_site.settings import environment as env
from medseg_site.settings.build import VITE_ASSET, build


def test_a_secret_key_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    first = build({"MEDSEG_DATA": str(tmp_path)})["SECRET_KEY"]
    assert len(first) >= 64
    assert build({"MEDSEG_DATA": str(tmp_path)})["SECRET_KEY"] == first
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert build({"MEDSEG_DATA": str(tmp_path / "other")})["SECRET_KEY"] != first


def test_two_processes_that_start_together_agree_on_one_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = env.os.link

    def lose_the_race(source: Path, target: Path) -> None:
        target.write_text("the other's key")
        link(source, target)

    monkeypatch.setattr(env.os, "link", lose_the_race)
    assert env.secret_key({}, tmp_path) == "the other's key"
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_sqlite_queues_its_writers_and_survives_a_power_cut(tmp_path: Path) -> None:
    database = env.database({}, tmp_path)
    assert database["NAME"] == str(tmp_path / "medseg.sqlite3")
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        assert pragma in database["OPTIONS"]["init_command"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql://ada:p%40ss@db:5433/medseg",
            {"USER": "ada", "PASSWORD": "p@ss", "HOST": "db", "PORT": "5433", "NAME": "medseg"},
        ),
        (
            "postgresql:///medseg?host=/run/pg&port=5440",
            {"USER": "", "HOST": "/run/pg", "PORT": "5440", "NAME": "medseg"},
        ),
    ],
)
def test_postgresql_is_read_from_one_address(
    url: str, expected: dict[str, str], tmp_path: Path
) -> None:
    database = env.database({"DATABASE_URL": url}, tmp_path)
    assert {key: database[key] for key in expected} == expected
    assert "pool" in database["OPTIONS"]
    assert "host" not in database["OPTIONS"]
    unpooled = env.database({"DATABASE_URL": url, "MEDSEG_DB_POOL": "0"}, tmp_path)
    assert "pool" not in unpooled["OPTIONS"]


def test_another_database_is_refused_with_the_two_that_work(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"'mysql'.*sqlite.*postgresql"):
        env.database({"DATABASE_URL": "mysql://x/y"}, tmp_path)


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("redis://host:6379/3", "redis://host:6379/3"),
        ("unix:///run/a/redis.sock", "redis+socket:///run/a/redis.sock?virtual_host=0"),
        ("unix:///run/redis.sock?db=2", "redis+socket:///run/redis.sock?virtual_host=2"),
    ],
)
def test_celery_finds_the_same_redis(url: str, broker: str) -> None:
    assert env.broker_url(url) == broker


def test_blobs_lie_in_the_data_folder_unless_told_otherwise(tmp_path: Path) -> None:
    assert env.blob_storage({}, tmp_path)["OPTIONS"]["location"] == str(tmp_path / "blobs")
    elsewhere = env.blob_storage({"MEDSEG_STORAGE": "/srv/blobs"}, tmp_path)
    assert elsewhere["OPTIONS"]["location"] == "/srv/blobs"


def test_blobs_may_lie_in_a_bucket(tmp_path: Path) -> None:
    storage = env.blob_storage(
        {"MEDSEG_STORAGE": "s3://bucket/some/where", "MEDSEG_S3_ENDPOINT": "http://127.0.0.1:9"},
        tmp_path,
    )
    assert storage["BACKEND"].endswith("S3Storage")
    assert storage["OPTIONS"]["bucket_name"] == "bucket"
    assert storage["OPTIONS"]["location"] == "some/where"
    assert storage["OPTIONS"]["endpoint_url"] == "http://127.0.0.1:9"
    with pytest.raises(ImproperlyConfigured, match="'gs'"):
        env.blob_storage({"MEDSEG_STORAGE": "gs://bucket"}, tmp_path)


def test_cookies_travel_only_encrypted_where_the_site_has_tls(tmp_path: Path) -> None:
    plain = build({"MEDSEG_DATA": str(tmp_path)})
    secure = build({"MEDSEG_DATA": str(tmp_path), "MEDSEG_TLS": "1", "MEDSEG_HOSTS": "a.org, b"})
    assert plain["SESSION_COOKIE_SECURE"] is False
    assert secure["SESSION_COOKIE_SECURE"] is True
    assert secure["SESSION_COOKIE_NAME"].startswith("__Host-")
    assert secure["SECURE_HSTS_SECONDS"] > 0
    assert secure["ALLOWED_HOSTS"][-2:] == ["a.org", "b"]
    assert plain["SESSION_COOKIE_HTTPONLY"] is secure["SESSION_COOKIE_HTTPONLY"] is True


def test_nothing_is_debugged_or_measured_unless_it_is_asked_for(tmp_path: Path) -> None:
    settings = build({"MEDSEG_DATA": str(tmp_path)})
    assert settings["DEBUG"] is False
    assert "django_prometheus" not in settings["INSTALLED_APPS"]
    measured = build({"MEDSEG_DATA": str(tmp_path), "MEDSEG_METRICS": "1"})
    assert measured["MIDDLEWARE"][0].startswith("django_prometheus")
    assert measured["MIDDLEWARE"][-1].startswith("django_prometheus")


def test_a_killed_task_runs_again_and_only_json_is_understood(tmp_path: Path) -> None:
    celery = build({"MEDSEG_DATA": str(tmp_path)})["CELERY"]
    assert celery["task_acks_late"]
    assert celery["task_reject_on_worker_lost"]
    assert celery["accept_content"] == ["json"]
    assert celery["worker_prefetch_multiplier"] == 1


@pytest.mark.parametrize(
    ("path", "for_ever"),
    [
        ("/static/segmentation/assets/index-B4kZ_x1q.js", True),
        ("/static/segmentation/chunks/Review-Dk3_81aB.js", True),
        ("/static/segmentation/app.js", False),
        ("/static/segmentation/favicon.svg", False),
        ("/static/admin/css/base.css", False),
    ],
)
def test_only_names_with_a_digest_are_cached_for_ever(path: str, for_ever: bool) -> None:
    assert bool(VITE_ASSET.match(path)) is for_ever


def test_a_socket_s_path_that_is_too_long_gets_a_short_folder(tmp_path: Path) -> None:
    assert socket_path(Path("/run/x"), "redis.sock") == Path("/run/x/redis.sock")
    short = socket_path(tmp_path / ("deep" * 30), "redis.sock")
    assert len(str(short)) <= LONGEST_SOCKET_PATH
    short.parent.rmdir()


def test_a_log_line_keeps_known_fields_and_names_what_it_left_out() -> None:
    event = keep_known_fields(
        None, "info", {"event": "import_done", "count": 3, "patient": "Canary^Ann", "_record": 1}
    )
    assert event == {"event": "import_done", "count": 3, "_record": 1, "left_out": ["patient"]}


def test_a_failure_is_logged_without_its_words() -> None:
    try:
        raise ValueError("cannot read Canary^Ann.dcm")
    except ValueError as error:
        event = failure_without_words(None, "error", {"event": "failed", "exc_info": error})
        assert "Canary" not in str(event)
        assert event["failure"].startswith("ValueError at test_a_failure_is_logged")
        assert describe(KeyError("Canary")) == "KeyError"


def test_alive_needs_no_sign_in_and_every_answer_is_isolated(client: Client) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert answer.headers["X-Frame-Options"] == "DENY"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.redis
@pytest.mark.storage
@pytest.mark.django_db
def test_ready_when_database_redis_and_storage_answer(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.json() == {"database": "ok", "redis": "ok", "storage": "ok"}
    assert answer.status_code == 200


@pytest.mark.django_db
@override_settings(REDIS_URL="redis://127.0.0.1:1/0")
def test_not_ready_without_a_broker_and_the_answer_says_so(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "database": "ok",
        "redis": "does not answer",
        "storage": "ok",
    }
