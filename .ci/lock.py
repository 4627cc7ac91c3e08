"""Writes .locks/constraints.txt: the versions of everything the project and its tests bring along.

Run inside an environment in which the suite passes: .venv/bin/python .ci/lock.py
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / ".locks" / "constraints.txt"
HEADER = (
    "# Versions the suite passed with; written by .ci/lock.py, read by manage.py up and test.\n"
)
NAME = re.compile(r"^([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?")


def key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(name: str, extras: frozenset[str], seen: dict[str, str]) -> None:
    """Adds a distribution and all it requires; a local version such as +cpu is left out."""
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return  # for another platform or Python
    first = key(name) not in seen
    seen[key(name)] = found.version.partition("+")[0]
    for line in found.requires or []:
        wanted = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", line)
        if (wanted and wanted.group(1) not in extras) or (not wanted and not first):
            continue
        match = NAME.match(line)
        if match:
            more = frozenset(filter(None, re.split(r"[,\s]+", match.group(2) or "")))
            if key(match.group(1)) not in seen or more:
                closure(match.group(1), more, seen)


def main() -> None:
    seen: dict[str, str] = {}
    closure("medseg", frozenset({"test"}), seen)
    del seen["medseg"]
    lines = [f"{name}=={version}\n" for name, version in sorted(seen.items())]
    TARGET.write_text(HEADER + "".join(lines))
    print(f"{len(lines)} versions in {TARGET}")


if __name__ == "__main__":
    main()
