"""What the web server loads: the doors, and nothing that only a worker computes with."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from medseg_site.places import REPOSITORY

LOADED = """
import json, sys
import medseg_site.asgi, medseg_site.urls
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "medseg_site.settings.test"}
    told = subprocess.run(
        [sys.executable, "-c", LOADED],
        cwd=REPOSITORY,
        env={name: value for name, value in environ.items() if name != "MEDSEG_RUN"},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(told.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "library",
    [
        "torch",
        "numba",
        "openvino",
        "safetensors",
        "scipy.stats",
        "nibabel",
        "pydicom",
        # skimage itself is a shell; its parts load when they are first used.
        "skimage.measure._regionprops",
        "skimage.feature.texture",
    ],
)
def test_the_web_server_starts_without_what_only_workers_need(
    loaded: set[str], library: str
) -> None:
    assert library not in loaded


def test_every_door_of_the_site_was_loaded(loaded: set[str]) -> None:
    """Otherwise the test above would praise a server that serves nothing."""
    doors = {
        f"segmentation.api.{path.stem}"
        for path in (REPOSITORY / "segmentation" / "api").glob("*.py")
        if "urlpatterns" in path.read_text()
    }
    assert len(doors) > 10
    assert doors | {"segmentation.pages.views", "segmentation.services.run_requests"} <= loaded


def test_the_executors_stay_with_the_workers(loaded: set[str]) -> None:
    assert "segmentation.services.job_execution" not in loaded
