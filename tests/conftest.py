"""What every test may use, and the loud word about those that this machine cannot run."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from django.conf import settings
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Playwright, sync_playwright

from tests.composed import ComposedSite
from tests.running import Site

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# A slow machine is no counter-example; the same examples every time make a failure repeatable.
hypothesis_settings.register_profile("suite", deadline=None, derandomize=True)
hypothesis_settings.load_profile("suite")


@dataclass(frozen=True)
class Need:
    """Something outside Python that marked tests need; ``REQUIRE_…=1`` forbids to go without."""

    marker: str
    variable: str
    present: Callable[[], bool]
    missing: str


def find_chromium() -> str | None:
    """The system's browser: ``CHROMIUM`` names one, else the first on PATH."""
    if named := os.environ.get("CHROMIUM"):
        return named if Path(named).exists() else None
    return next((found for name in CHROMIUM_NAMES if (found := shutil.which(name))), None)


def redis_answers() -> bool:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


NEEDS = (
    Need(
        "browser",
        "REQUIRE_BROWSER",
        lambda: find_chromium() is not None,
        "no Chromium was found on PATH (Debian's package: chromium)",
    ),
    Need(
        "redis",
        "REQUIRE_REDIS",
        redis_answers,
        "no redis answers at REDIS_URL (manage.py test starts one where redis-server is installed)",
    ),
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for need in NEEDS:
        marked = [item for item in items if need.marker in item.keywords]
        if not marked or os.environ.get(need.variable) == "1" or need.present():
            continue
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=need.missing))


def pytest_runtest_setup(item: pytest.Item) -> None:
    for need in NEEDS:
        required = need.marker in item.keywords and os.environ.get(need.variable) == "1"
        if required and not need.present():
            pytest.fail(f"{need.variable}=1, but {need.missing}", pytrace=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Counts per need what was skipped for it: silence would read as success."""
    skipped = terminalreporter.stats.get("skipped", [])
    for need in NEEDS:
        count = sum(need.missing in str(report.longrepr) for report in skipped)
        if count:
            terminalreporter.write_sep("!", f"{count} {need.marker} tests SKIPPED", red=True)
            terminalreporter.write_line(f"Because {need.missing}.")
            terminalreporter.write_line(f"{need.variable}=1 turns them into failures.")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the system's Chromium, for tests marked ``browser``."""
    found = find_chromium()
    assert found is not None, "mark the test with pytest.mark.browser"
    return found


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """One at a time is all that a process can have, and while it runs Django refuses its database:
    it ends with the file that needs it."""
    with sync_playwright() as started:
        yield started


@pytest.fixture
def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for a unix socket's name."""
    folder = Path("/tmp") / f"ms-{os.getpid()}-{os.urandom(3).hex()}"
    folder.mkdir(mode=0o700)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def stopped_site(short_folder: Path, free_port: int) -> Iterator[Site]:
    """A whole site of its own (see ``tests.running``), not yet started."""
    site = Site(short_folder / "data", free_port)
    site.make_database()
    yield site
    site.remove()


@pytest.fixture
def running_site(short_folder: Path, free_port: int) -> Iterator[Site]:
    """The same, started and answering; ``MEDSEG_TEST_SITE=composed`` puts it behind nginx."""
    kind = ComposedSite if os.environ.get("MEDSEG_TEST_SITE") == "composed" else Site
    site = kind(short_folder / "data", free_port)
    site.make_database()
    try:
        site.start()
        site.wait_until_ready()
        yield site
    finally:
        site.remove()
