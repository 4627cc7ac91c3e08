"""The supervisor with real children: they crash, hang, are killed, and none is left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from medseg_site import children, redis_server, suite, supervise
from medseg_site.bootstrap import ENVIRONMENT, RefusalError
from medseg_site.children import Child, stop_all
from medseg_site.places import REPOSITORY
from medseg_site.site_lock import AlreadyRunningError, SiteLock
from tests.running import UP, Site, running_with, until


def make_child(folder: Path, code: str, word: str = "x") -> Child:
    environ = {**os.environ, "MARK": word}
    return Child("trial", [sys.executable, "-c", code], environ, folder)


# Children ------------------------------------------------------------------------------------


def test_a_crashed_child_starts_again_and_each_crash_waits_longer(tmp_path: Path) -> None:
    said: list[str] = []
    child = make_child(tmp_path, "print('last words', flush=True); raise SystemExit(3)")
    child.start()
    clock = child.started
    for wait_s in (1, 2, 4):
        assert child.wait(10.0)
        child.watch(clock, said.append)
        assert f"trial stopped (status 3); starting it again in {wait_s} s" in said
        assert "  | last words" in said
        child.watch(clock + wait_s - 0.01, said.append)
        assert not child.alive()
        child.watch(clock + wait_s, said.append)
        clock = child.started
    stop_all([child], 1.0)


def test_the_longest_wait_is_half_a_minute_and_a_steady_child_starts_over(tmp_path: Path) -> None:
    said: list[str] = []
    child = make_child(tmp_path, "raise SystemExit(1)")
    child.start()
    child.crashes = 40
    assert child.wait(10.0)
    child.watch(child.started, said.append)
    assert "in 30 s" in said[0]
    child.due = None
    child.watch(child.started + children.STEADY_S + 1, said.append)
    assert any("in 1 s" in line for line in said)


def test_a_running_child_is_left_alone(tmp_path: Path) -> None:
    child = make_child(tmp_path, "import time; time.sleep(60)")
    child.start()
    before = child.process
    child.watch(time.monotonic(), pytest.fail)
    assert child.process is before
    stop_all([child], 2.0)
    assert not child.alive()


@pytest.mark.skipif(not children.AUTOGROUP.exists(), reason="this kernel has no autogroup")
def test_a_polite_child_steps_back_as_a_session_too(tmp_path: Path) -> None:
    """Niceness alone weighs nothing between two sessions, and each child leads one."""
    code = "import os; print(os.nice(0), open('/proc/self/autogroup').read())"
    polite = Child("polite", [sys.executable, "-c", code], os.environ, tmp_path, niceness=7)
    plain = Child("plain", [sys.executable, "-c", code], os.environ, tmp_path)
    for child in (polite, plain):
        child.start()
        assert child.wait(20.0)
    mine = os.nice(0)
    assert polite.last_lines(2)[0].split()[0] == str(mine + 7)
    assert polite.last_lines(2)[0].endswith("nice 7")
    assert plain.last_lines(2)[0].endswith("nice 0")


def test_a_child_that_ignores_the_signal_is_ended_with_what_it_started(tmp_path: Path) -> None:
    word = f"stubborn-{os.urandom(6).hex()}"
    code = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print('set', flush=True); time.sleep(60)"
    )
    child = make_child(tmp_path, code, word)
    child.start()
    assert until(lambda: len(running_with(word)) == 2 and child.last_lines(1) == ["set"])
    begun = time.monotonic()
    stop_all([child], 0.5)
    assert until(lambda: not running_with(word), 3.0)
    assert time.monotonic() - begun < 3.0


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_a_child_ends_when_its_parent_is_killed_without_warning(tmp_path: Path) -> None:
    word = f"orphan-{os.urandom(6).hex()}"
    code = (
        "import os, sys, time; from pathlib import Path\n"
        "from medseg_site.children import Child\n"
        "Child('c', [sys.executable, '-c', 'import time; time.sleep(60)'], os.environ,"
        f" Path({str(tmp_path)!r})).start()\n"
        "time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=REPOSITORY, env={**os.environ, "MARK": word}
    )
    assert until(lambda: len(running_with(word)) == 2)
    parent.kill()
    parent.wait()
    assert until(lambda: not running_with(word), 5.0)


# One site per folder -------------------------------------------------------------------------


def test_a_second_start_learns_where_the_first_one_serves(tmp_path: Path) -> None:
    first, second = SiteLock(tmp_path), SiteLock(tmp_path)
    first.take()
    first.write("http://localhost:8123/", [])
    with pytest.raises(AlreadyRunningError) as refusal:
        second.take()
    assert refusal.value.address == "http://localhost:8123/"
    assert refusal.value.process == os.getpid()
    first.release()
    second.take()
    second.release()


def test_leftovers_are_ended_only_when_they_are_the_ones_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medseg_site.site_lock.LEFTOVER_GRACE_S", 0.2)
    sleeper = "import time; time.sleep(60)"
    ours, other = (make_child(tmp_path, sleeper) for _ in range(2))
    ours.start()
    other.start()
    assert ours.process is not None
    assert other.process is not None
    lock = SiteLock(tmp_path)
    lock.write("", [ours.process.pid, other.process.pid])
    note = lock.note()
    note["children"][1][1] += 1  # another process that got the same number later
    lock.note_path.write_text(str(note).replace("'", '"'))
    assert lock.end_leftovers() == 1
    assert ours.wait(3.0)
    assert other.alive()
    stop_all([other], 1.0)


def test_a_note_that_was_cut_short_is_no_note(tmp_path: Path) -> None:
    lock = SiteLock(tmp_path)
    lock.note_path.write_text('{"children": [[1')
    assert lock.note() == {}
    assert lock.end_leftovers() == 0


# Words ---------------------------------------------------------------------------------------


def test_a_taken_port_is_refused_with_another_to_try(free_port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port))
        taken.listen()
        with pytest.raises(RefusalError, match=f"Port {free_port} .*--port {free_port + 1}"):
            supervise.check_port("127.0.0.1", free_port)
    supervise.check_port("127.0.0.1", free_port)


def test_somebody_else_s_server_is_not_taken_for_ours(free_port: int) -> None:
    """It answers /healthz with 200, and even with a word of its own, but not with ours."""
    answer = b"HTTP/1.1 200 OK\r\nX-Medseg-Run: another\r\nContent-Length: 2\r\n\r\nok"

    def serve(door: socket.socket) -> None:
        line, _ = door.accept()
        with line:
            line.recv(4096)
            line.sendall(answer)

    with socket.create_server(("127.0.0.1", free_port)) as door:
        for nonce, ours in (("secret", False), ("another", True)):
            thread = threading.Thread(target=serve, args=(door,))
            thread.start()
            assert supervise.serves("127.0.0.1", free_port, nonce) is ours
            thread.join()
    assert supervise.serves("127.0.0.1", free_port, "another") is False


def test_a_site_keeps_compiled_files_of_its_own_where_none_may_lie_beside_the_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDSEG_DATA", str(tmp_path))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)
    environ = supervise.Supervisor("127.0.0.1", 8000, demo=False).environ
    assert "PYTHONDONTWRITEBYTECODE" not in environ
    assert environ["PYTHONPYCACHEPREFIX"] == str(ENVIRONMENT / "pycache")
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE")
    environ = supervise.Supervisor("127.0.0.1", 8000, demo=False).environ
    assert "PYTHONPYCACHEPREFIX" not in environ


def test_the_words_of_up_are_read() -> None:
    options = supervise.parse(["--port", "9000", "--host", "localhost", "--no-demo"])
    assert (options.port, options.host, options.no_demo) == (9000, "127.0.0.1", True)
    with pytest.raises(SystemExit) as refusal:
        supervise.parse(["--host", "my-machine"])
    assert refusal.value.code == 2


def test_pytest_is_not_given_the_words_meant_for_the_installation() -> None:
    assert suite.without_torch(["--torch", "cpu", "-k", "nms"]) == ["-k", "nms"]
    assert suite.without_torch(["--torch=cpu", "-x"]) == ["-x"]


def test_redis_is_taken_from_path_before_the_bundled_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_server.shutil, "which", lambda name: f"/opt/{name}")
    assert redis_server.find_redis() == "/opt/redis-server"
    monkeypatch.setattr(
        redis_server.shutil, "which", lambda name: "/opt/v" if name == "valkey-server" else None
    )
    assert redis_server.find_redis() == "/opt/v"


# The whole site ------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.faults
def test_up_serves_restarts_what_crashes_refuses_a_second_start_and_leaves_nothing(
    stopped_site: Site,
) -> None:
    site = stopped_site
    up = site.start()
    assert until(lambda: site.said("medseg is ready"), 120.0), site.output.read_text()
    assert f"http://localhost:{site.port}/" in site.output.read_text()

    second = subprocess.run(
        [sys.executable, "-c", UP, "--port", str(site.port)],
        cwd=REPOSITORY,
        env={**os.environ, "MEDSEG_DATA": str(site.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 2
    assert f"already running here, at http://localhost:{site.port}/" in second.stderr

    web = site.running("-m uvicorn")[0]
    inherited = Path(f"/proc/{web}/environ").read_bytes()
    word = inherited.partition(b"MEDSEG_RUN=")[2].partition(b"\0")[0].decode()
    os.kill(web, signal.SIGKILL)
    assert until(lambda: site.said("web stopped (SIGKILL); starting it again in 1 s"))
    assert until(lambda: site.said("web started again"))
    assert until(lambda: supervise.serves("127.0.0.1", site.port, word), 120.0)

    redis = site.running("redis-server")
    assert redis
    os.kill(redis[0], signal.SIGKILL)
    assert until(lambda: site.said("redis started again"))
    assert until(lambda: redis_server.answers(site.folder / "run" / "redis.sock"))

    begun = time.monotonic()
    up.send_signal(signal.SIGINT)
    assert up.wait(25) == 0
    assert time.monotonic() - begun < 20.0
    assert until(lambda: not site.processes(), 2.0), site.left()


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_killing_up_itself_ends_all_it_started_and_the_next_start_works(stopped_site: Site) -> None:
    site = stopped_site
    up = site.start()
    assert until(lambda: site.said("medseg is ready"), 120.0), site.output.read_text()
    up.kill()
    up.wait()
    assert until(lambda: not site.processes(), 45.0), site.left()
    again = site.start()
    assert until(lambda: site.said("medseg is ready"), 120.0), site.output.read_text()
    again.send_signal(signal.SIGTERM)
    assert again.wait(25) == 0
    assert until(lambda: not site.processes(), 2.0), site.left()
