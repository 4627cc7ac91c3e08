"""A person at the REST API, for tests that run a whole site."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import requests

from tests.running import Site

PATIENCE_S = 120.0


class Rest:
    """Requests with one person's token; ``post`` and the rest raise on any refusal."""

    def __init__(self, site: Site, token: str) -> None:
        self.base = f"{site.url}/api/v1/"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Token {token}"
        self.tab = str(uuid.uuid4())

    def ask(self, method: str, path: str, **words: Any) -> requests.Response:
        return self.session.request(method, self.base + path, timeout=30, **words)

    def get(self, path: str) -> Any:
        return _json(self.ask("GET", path))

    def post(self, path: str, content: Any = None, **words: Any) -> Any:
        return _json(self.ask("POST", path, json=content or {}, **words))

    def upload(self, project: str, files: Iterable[tuple[str, bytes]]) -> dict[str, Any]:
        """Bring files in as the page does, and wait for the report."""
        session = self.post(f"projects/{project}/uploads/")
        for name, content in files:
            self._upload_file(session["id"], name, content)
        self.post(f"uploads/{session['id']}/close/")
        return self.wait_for(
            lambda: self.get(f"uploads/{session['id']}/"), lambda told: told["state"] == "done"
        )

    def _upload_file(self, session: str, name: str, content: bytes) -> None:
        path = base64.b64encode(name.encode()).decode()
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(len(content)),
            "Upload-Metadata": f"filename {path},relativePath {path}",
        }
        made = self.ask("POST", f"uploads/{session}/files/", headers=headers)
        assert made.status_code == 201, made.text
        place = made.headers["Location"]
        sent = self.session.patch(
            requests.compat.urljoin(self.base, place),
            data=content,
            headers={
                "Tus-Resumable": "1.0.0",
                "Upload-Offset": "0",
                "Content-Type": "application/offset+octet-stream",
            },
            timeout=60,
        )
        assert sent.status_code == 204, sent.text

    def upload_paths(self, project: str, paths: Iterable[Path]) -> dict[str, Any]:
        return self.upload(project, [(path.name, path.read_bytes()) for path in paths])

    def hold(self, case: str) -> dict[str, Any]:
        """Take the pen of a case for this client's tab."""
        held: dict[str, Any] = self.post(
            f"cases/{case}/presence/", {"tab": self.tab, "seconds": 0, "want": "hold"}
        )
        return held

    def save(
        self, case: str, head: str | None, slices: list[dict[str, Any]], findings: Any, key: str
    ) -> requests.Response:
        """One stroke as the page sends it; the answer is the caller's to judge."""
        return self.ask(
            "POST",
            f"cases/{case}/revisions/",
            json={
                "operation": "brush",
                "tab": self.tab,
                "sitting": self.tab,
                "slices": slices,
                "findings": findings,
            },
            headers={"If-Match": f'"{head or "none"}"', "Idempotency-Key": key},
        )

    def wait_for(
        self, look: Callable[[], Any], good: Callable[[Any], bool], seconds: float = PATIENCE_S
    ) -> Any:
        """Look until it is good; connections that break on the way are tried again."""
        deadline, seen = time.monotonic() + seconds, None
        while time.monotonic() < deadline:
            try:
                seen = look()
                if good(seen):
                    return seen
            except (requests.ConnectionError, AssertionError) as error:
                seen = error
            time.sleep(0.3)
        raise AssertionError(f"after {seconds:.0f} s still {seen!r}")

    def jobs(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self.get("jobs/")["results"]
        return found

    def wait_for_jobs(self, kind: str) -> list[Mapping[str, Any]]:
        """Until every job of this kind has ended; the jobs."""
        ended = {"succeeded", "failed", "cancelled"}
        return [
            job
            for job in self.wait_for(
                self.jobs,
                lambda jobs: all(job["state"] in ended for job in jobs if job["kind"] == kind),
            )
            if job["kind"] == kind
        ]


def _json(answer: requests.Response) -> Any:
    assert answer.ok, f"{answer.status_code} {answer.url} {answer.text[:400]}"
    return answer.json() if answer.content else None
