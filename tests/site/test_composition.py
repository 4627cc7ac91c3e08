"""docker-compose.yml, the Dockerfile and nginx.conf: read for sense, and lived behind nginx."""

from __future__ import annotations

import io
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import requests
import zstandard
from PIL import Image

from medseg_site.places import REPOSITORY
from medseg_site.settings.queue import QUEUES
from tests.composed import ComposedSite, composition, free_port_number, web_command
from tests.rest import Rest

PASSWORD = "a-long-drawn-password"


def test_the_composition_names_every_part_and_every_queue_has_a_worker() -> None:
    services = composition()
    assert {"db", "redis", "web", "worker-cpu", "worker-gpu", "nginx"} <= services.keys()
    served = [
        command[command.index("-Q") + 1].split(",")
        for command in (services[name]["command"] for name in ("worker-cpu", "worker-prompt"))
    ]
    assert sorted(queue for queues in served for queue in queues) == sorted(QUEUES)
    assert services["worker-gpu"]["command"][5] == "solo"  # CUDA must not see a fork
    assert services["worker-gpu"]["profiles"] == ["gpu"]
    assert "medseg_site.asgi:application" in web_command()


def test_every_variable_of_the_composition_is_one_that_the_settings_read() -> None:
    sources = "".join(path.read_text() for path in (REPOSITORY / "medseg_site").rglob("*.py"))
    from_elsewhere = re.compile(r"^(AWS_|REMAP_SIGTERM$)")  # boto's and Celery's own
    for name in composition()["web"]["environment"]:
        assert from_elsewhere.match(name) or f'"{name}"' in sources, name


def test_every_path_that_the_dockerfile_copies_exists() -> None:
    text = (REPOSITORY / ".docker" / "Dockerfile").read_text()
    sources = [
        word for line in re.findall(r"^COPY (.+)$", text, re.M) for word in line.split()[:-1]
    ]
    assert sources
    assert all((REPOSITORY / source).exists() for source in sources)


@pytest.fixture(scope="module")
def composed() -> Iterator[ComposedSite]:
    if shutil.which("nginx") is None:
        pytest.skip("nginx was not found (Debian's package: nginx)")
    folder = Path("/tmp") / f"msc-{time.monotonic_ns():x}"
    site = ComposedSite(folder, free_port_number())
    site.make_database()
    try:
        site.start()
        site.wait_until_ready()
        yield site
    finally:
        site.remove()


@pytest.fixture(scope="module")
def signed_in(composed: ComposedSite) -> requests.Session:
    """An administrator who has used the one-time link, through nginx."""
    session = requests.Session()
    link = composed.administrator_link()
    token = link.rstrip("/").rpartition("/")[2]
    session.get(f"{composed.url}/sign-in/")
    answer = session.post(
        f"{composed.url}/api/v1/session/link/",
        json={"token": token, "password": PASSWORD},
        headers={"X-CSRFToken": session.cookies["csrftoken"], "Referer": composed.url},
    )
    assert answer.ok, answer.text
    answer = session.post(
        f"{composed.url}/api/v1/session/",
        json={"username": "admin", "password": PASSWORD},
        headers={"X-CSRFToken": session.cookies["csrftoken"], "Referer": composed.url},
    )
    assert answer.ok, answer.text
    return session


@pytest.mark.slow
def test_all_parts_answer_behind_nginx(composed: ComposedSite) -> None:
    answer = requests.get(f"{composed.url}/readyz", timeout=10)
    assert answer.json() == {"database": "ok", "redis": "ok", "storage": "ok"}
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.slow
def test_static_files_come_from_nginx_and_only_digests_are_kept_for_ever(
    composed: ComposedSite,
) -> None:
    static = Path(composed.environ["MEDSEG_STATIC"])
    app = requests.get(f"{composed.url}/static/segmentation/app.js", timeout=10)
    assert app.content == (static / "segmentation" / "app.js").read_bytes()
    assert app.headers["Cache-Control"] == "no-cache"
    chunk = static / "segmentation" / "chunks" / "drawn-0aB_9-zZ.js"
    chunk.parent.mkdir(exist_ok=True)
    chunk.write_text("export {};")
    kept = requests.get(f"{composed.url}/static/segmentation/chunks/{chunk.name}", timeout=10)
    assert kept.text == "export {};"
    assert "immutable" in kept.headers["Cache-Control"]
    for answer in (app, kept):
        assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "javascript" in answer.headers["Content-Type"]


@pytest.mark.slow
def test_blobs_and_neighbouring_files_cannot_be_asked_for_from_outside(
    composed: ComposedSite,
) -> None:
    (composed.folder / "blobs").mkdir(exist_ok=True)
    (composed.folder / "blobs" / "drawn").write_text("a secret")
    (composed.folder / "neighbour").write_text("a secret")
    for path in (
        "/internal-blobs/drawn",
        "/static/../neighbour",
        "/static../neighbour",
        "/static/%2e%2e/neighbour",
    ):
        with requests.Session() as session:
            asked = requests.Request("GET", composed.url + path).prepare()
            asked.url = composed.url + path  # as it stands: requests would tidy it
            answer = session.send(asked, timeout=10)
        assert answer.status_code in {400, 404}, path
        assert "a secret" not in answer.text


@pytest.mark.slow
def test_a_person_signs_in_through_nginx(
    composed: ComposedSite, signed_in: requests.Session
) -> None:
    me = signed_in.get(f"{composed.url}/api/v1/me/", timeout=10).json()
    assert me["username"] == "admin"
    assert requests.get(f"{composed.url}/api/v1/me/", timeout=10).status_code == 401


@pytest.mark.slow
def test_events_pass_nginx_as_they_happen(
    composed: ComposedSite, signed_in: requests.Session
) -> None:
    """A proxy that buffers would keep so few bytes to itself until the stream ends."""
    address = f"{composed.url}/api/v1/events/"
    with signed_in.get(address, stream=True, timeout=10) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert b": hello" in next(stream.iter_content(chunk_size=None))


@dataclass(frozen=True)
class Plane:
    """The address of one plane, and its samples as they are stored."""

    path: str
    name: str
    samples: bytes


@pytest.fixture(scope="module")
def plane(composed: ComposedSite) -> Plane:
    """A plane of a picture that came in as any other."""
    rest = Rest(composed, composed.command("create_token", "admin").strip())
    label = {"name": "nucleus", "colour": "#E69F00"}
    project = rest.post("projects/", {"name": "planes", "task": "instances", "labels": [label]})
    drawn = io.BytesIO()
    Image.fromarray(np.arange(40 * 50, dtype=np.uint16).reshape(40, 50)).save(drawn, "png")
    report = rest.upload(project["id"], [("drawn.png", drawn.getvalue())])
    case = rest.get(f"cases/{report['report']['files'][0]['case_id']}/")
    path = f"/api/v1/images/{case['images'][0]['id']}/slices/0/"
    whole = rest.session.get(composed.url + path, headers={"Accept-Encoding": "gzip"}, timeout=10)
    named = rest.session.get(
        f"http://localhost:{composed.web_port}{path}",
        headers={"Accept-Encoding": "zstd"},
        timeout=10,
    )
    assert named.content == b""
    return Plane(path, named.headers["X-Accel-Redirect"], whole.content)


@pytest.mark.slow
def test_nginx_sends_planes_as_the_application_does(
    composed: ComposedSite, signed_in: requests.Session, plane: Plane
) -> None:
    taken = {"Accept-Encoding": "zstd"}
    with signed_in.get(composed.url + plane.path, headers=taken, stream=True, timeout=10) as sent:
        frame = sent.raw.read(decode_content=False)
    assert sent.status_code == 200
    assert zstandard.ZstdDecompressor().decompress(frame) == plane.samples
    assert plane.name.startswith("/internal-slices/")
    file = composed.folder / "cache" / "slices" / plane.name.removeprefix("/internal-slices/")
    assert file.read_bytes() == frame
    direct = signed_in.get(
        composed.url + plane.path, headers={"Accept-Encoding": "gzip"}, timeout=10
    )
    assert (sent.headers["Content-Encoding"], direct.headers["Content-Encoding"]) == (
        "zstd",
        "gzip",
    )
    for name in (
        "Cache-Control", "Content-Type", "Content-Security-Policy", "X-Content-Type-Options",
        "Cross-Origin-Resource-Policy", "Cross-Origin-Embedder-Policy",
    ):  # fmt: skip
        assert sent.headers[name] == direct.headers[name], name
    assert "Accept-Encoding" in sent.headers["Vary"]
    known = {**taken, "If-None-Match": sent.headers["ETag"]}
    kept = signed_in.get(composed.url + plane.path, headers=known, timeout=10)
    assert (kept.status_code, kept.content) == (304, b"")


@pytest.mark.slow
def test_planes_are_refused_without_a_session_and_under_their_inner_name(
    composed: ComposedSite, signed_in: requests.Session, plane: Plane
) -> None:
    taken = {"Accept-Encoding": "zstd"}
    stranger = requests.get(composed.url + plane.path, headers=taken, timeout=10)
    assert stranger.status_code == 401
    assert "X-Accel-Redirect" not in stranger.headers
    for asks in (requests.Session(), signed_in):
        assert asks.get(composed.url + plane.name, headers=taken, timeout=10).status_code == 404
