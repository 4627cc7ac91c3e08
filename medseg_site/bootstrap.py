"""Makes the environment that the product runs in, then hands over to it.

Standard library only, and readable by old Pythons, so that a machine that cannot run medseg is
told so in a sentence instead of a traceback.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from medseg_site.places import REPOSITORY

OLDEST_PYTHON = (3, 11)
ENVIRONMENT = REPOSITORY / ".venv"
CONSTRAINTS = REPOSITORY / ".locks" / "constraints.txt"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
FREE_FOR_INSTALL = 3 * 10**9
FREE_FOR_CUDA = 10 * 10**9
QUIET_S = 20.0
"""After so long without a word from the installer, say what it is busy with."""

OWN_COMMANDS = ("up", "test")
SIZES = """\
Installing into {folder}: about 0.6 GB to download and 2 GB on disk with PyTorch's CPU build,
about 4 GB and 9 GB with the CUDA build, which pip takes from PyPI on Linux."""
NO_DEVICE = """\
No NVIDIA device was found here. The CPU build is enough: stop now (Ctrl-C) and run
    python3 manage.py {command} --torch cpu
unless pip is configured to take the CPU build already."""


class RefusalError(Exception):
    """The machine cannot do it; the message says why and what to do. Ends with status 2."""


def say(text: str) -> None:
    print(text, flush=True)


def enter(argv: list[str]) -> None:
    """Returns inside the environment; until then makes it and starts the same command in it.

    ``up`` and ``test`` always run in ``.venv``; other commands go there only when the Python that
    was asked cannot run them.
    """
    try:
        check_python(sys.version_info[:2])
        command = argv[1] if len(argv) > 1 else ""
        if command in OWN_COMMANDS:
            _make(command, cpu=wants_cpu(argv[2:]))
        elif importlib.util.find_spec("django") is None and not _python().exists():
            raise RefusalError("There is no environment yet. Make it with: python3 manage.py test")
        elif importlib.util.find_spec("django") is not None:
            return
        if not inside():
            os.execv(_python(), [str(_python()), *argv])
    except RefusalError as refusal:
        print(refusal, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\nStopped. The next start begins the installation again.", file=sys.stderr)
        sys.exit(130)


def check_python(version: tuple[int, ...]) -> None:
    if version < OLDEST_PYTHON:
        raise RefusalError(
            "medseg needs Python {}.{} or newer; this is Python {}.{}. Install a newer Python and "
            "start again with it, for example: python3.11 manage.py up".format(
                *OLDEST_PYTHON, *version
            )
        )


def check_venv(has: bool, version: tuple[int, ...]) -> None:
    if not has:
        package = "python{}.{}-venv".format(*version)
        raise RefusalError(
            f"This Python cannot make environments: its venv module is missing. On Debian or "
            f"Ubuntu install the package {package} (sudo apt install {package}), then start again."
        )


def check_space(free_bytes: int, needed_bytes: int, folder: Path) -> None:
    if free_bytes < needed_bytes:
        raise RefusalError(
            f"The disk of {folder} has {free_bytes / 1e9:.1f} GB free; "
            f"{needed_bytes / 1e9:.1f} GB are needed. Make room and start again."
        )


def wants_cpu(arguments: list[str]) -> bool:
    """``--torch cpu`` or ``--torch=cpu``; other words for it are refused."""
    for place, word in enumerate(arguments):
        if word == "--torch":
            word = "--torch=" + (arguments[place + 1] if place + 1 < len(arguments) else "")
        if word.startswith("--torch="):
            if word != "--torch=cpu":
                raise RefusalError("--torch knows one word: cpu. Leave it out for PyPI's build.")
            return True
    return False


def has_nvidia() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def inside() -> bool:
    return Path(sys.prefix).resolve() == ENVIRONMENT.resolve()


def wanted_digest() -> str:
    """What the environment must have been made for: dependencies, pins and the Python's version."""
    project = (REPOSITORY / "pyproject.toml").read_text().split("\n[tool.")[0]
    pins = CONSTRAINTS.read_text() if CONSTRAINTS.exists() else ""
    text = "\n".join([project, pins, str(sys.version_info[:2])])
    return hashlib.sha256(text.encode()).hexdigest()


def install_command(installer: str, cpu: bool) -> list[str]:
    """pip by default, uv where ``MEDSEG_INSTALLER=uv`` asks for it and it is found."""
    if installer == "uv" and (uv := shutil.which("uv")):
        command = [uv, "pip", "install", "--python", str(_python())]
    else:
        command = [str(_python()), "-m", "pip", "install", "--disable-pip-version-check"]
        # Compiling 15,000 modules, of which the first start needs a few, costs 40 s of a core.
        command += ["--no-input", "--progress-bar", "off", "--no-compile"]
    if cpu:
        command += ["--extra-index-url", CPU_INDEX]
    if CONSTRAINTS.exists():
        command += ["--constraint", str(CONSTRAINTS)]
    return [*command, "--editable", f"{REPOSITORY}[test]"]


def _python() -> Path:
    return ENVIRONMENT / "bin" / "python"


def _make(command: str, cpu: bool) -> None:
    """Nothing when the stamp says that the environment is whole and up to date."""
    stamp = ENVIRONMENT / "medseg-installed"
    with _alone():
        if stamp.exists() and stamp.read_text() == wanted_digest() and _python().exists():
            return
        check_venv(
            all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")),
            sys.version_info[:2],
        )
        _announce(command, cpu)
        begun = time.monotonic()
        _create()
        unfinished = ENVIRONMENT / "medseg-installing"
        unfinished.touch()
        _install(install_command(os.environ.get("MEDSEG_INSTALLER", "pip"), cpu))
        stamp.write_text(wanted_digest())
        unfinished.unlink()
        say(f"The environment is ready after {time.monotonic() - begun:.0f} s.")


def _announce(command: str, cpu: bool) -> None:
    if any(ENVIRONMENT.glob("lib/python*/site-packages/torch/__init__.py")):
        say("Bringing the environment up to date …")  # the large part is there
        return
    free = shutil.disk_usage(REPOSITORY).free
    check_space(free, FREE_FOR_INSTALL, REPOSITORY)
    say(SIZES.format(folder=ENVIRONMENT))
    if not cpu and not has_nvidia():
        say(NO_DEVICE.format(command=command))
    if not cpu and free < FREE_FOR_CUDA:
        say(f"Only {free / 1e9:.1f} GB are free: the CUDA build may not fit.")


def _create() -> None:
    """A new environment, unless a whole one is there; one left half-made is made again."""
    whole = _python().exists() and not (ENVIRONMENT / "medseg-installing").exists()
    if whole or inside():
        return
    say("Making the environment …")
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], check=False)
    if made.returncode != 0:
        raise RefusalError(f"{ENVIRONMENT} could not be made; the lines above say why.")


def _install(command: list[str]) -> None:
    """Runs the installer and shows one line for each package it fetches."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        for line in child.stdout or ():
            lines.put(line.rstrip())
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    try:
        tail = _show(lines)
    except KeyboardInterrupt:
        child.terminate()
        child.wait()
        raise
    if child.wait() != 0:
        raise RefusalError("\n".join(tail) + "\nThe installation failed; the lines above say why.")


def _show(lines: queue.SimpleQueue[str | None]) -> list[str]:
    """Passes on the lines a person waits for; returns the last ones of all."""
    begun, busy_with, tail = time.monotonic(), "resolving", [""]
    while True:
        try:
            line = lines.get(timeout=QUIET_S)
        except queue.Empty:
            say(f"{time.monotonic() - begun:6.0f} s  … still {busy_with}")
            continue
        if line is None:
            return tail
        tail = [*tail[-25:], line]
        step = told(line)
        if step:
            busy_with = step
            say(f"{time.monotonic() - begun:6.0f} s  {step}")


def told(line: str) -> str | None:
    """``downloading torch-2.13 (190.2 MB)`` from pip's own line; None for what nobody waits for."""
    word, _, rest = line.strip().partition(" ")
    if word in {"Downloading", "Processing"} and ".metadata" not in rest:
        name, _, size = rest.partition(" ")
        return f"{word.lower()} {Path(name).name.split('-cp')[0].split('-py')[0]} {size}".strip()
    if line.startswith("Installing collected packages"):
        return f"installing {rest.count(',') + 1} packages"
    if word == "ERROR:" or line.startswith("Building"):
        return line.strip()
    return None


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One installation at a time in this folder; the lock goes with the process."""
    handle = os.open(REPOSITORY, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another start is installing here; waiting for it …")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
