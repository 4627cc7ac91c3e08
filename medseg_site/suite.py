"""``test``: the whole suite, with a redis of its own where this machine has one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from medseg_site import redis_server
from medseg_site.bootstrap import say
from medseg_site.children import Child, stop_all
from medseg_site.places import REPOSITORY


def test(arguments: Sequence[str]) -> int:
    """Runs pytest with these arguments; returns its exit status."""
    folder = Path(tempfile.mkdtemp(prefix="medseg-suite-"))
    redis = _start_redis(folder)
    environ = dict(os.environ)
    if redis is not None:
        environ["REDIS_URL"] = redis_server.url(folder / "redis.sock")
    try:
        command = [sys.executable, "-m", "pytest", *without_torch(arguments)]
        return subprocess.run(command, cwd=REPOSITORY, env=environ, check=False).returncode
    except KeyboardInterrupt:
        return 130
    finally:
        if redis is not None:
            stop_all([redis], 5.0)
        shutil.rmtree(folder, ignore_errors=True)


def without_torch(arguments: Sequence[str]) -> list[str]:
    """What pytest is given: ``--torch cpu`` was for the installation."""
    kept = [word for word in arguments if not word.startswith("--torch=")]
    if "--torch" in kept:
        place = kept.index("--torch")
        del kept[place : place + 2]
    return kept


def _start_redis(folder: Path) -> Child | None:
    if os.environ.get("REDIS_URL"):
        return None
    server = redis_server.find_redis()
    if server is None:
        say(redis_server.MISSING)
        return None
    socket_file = folder / "redis.sock"
    command = redis_server.redis_command(server, socket_file, folder / "redis")
    child = Child("redis", command, os.environ, folder)
    child.start()
    if redis_server.wait_for(socket_file, 20.0):
        return child
    say("A redis server was found but did not start:\n" + "\n".join(child.last_lines(10)))
    stop_all([child], 1.0)
    return None
