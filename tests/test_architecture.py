"""The directions of import, read from the syntax trees: who may know whom, and nobody in a circle.

A rule that is broken names the file and the line. The table below is the law; a new room gets its
row here first.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from shutil import which

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("segmentation", "medseg_site")
TOP_LEVEL = {
    "manage.py", "pyproject.toml", "README.md", "medseg_site", "segmentation", "frontend",
    "tests", "docker-compose.yml", "LICENSE", "CHANGELOG.md",
}  # fmt: skip
DOORS = {"services", "selectors", "access", "errors"}

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "engine": set(),
    "interchange": {"engine.types", "engine.geometry"},
    "models": {"errors"},
    "access": {"models", "errors"},
    "storage": {"models", "errors"},
    "jobs": {"models", "errors"},
    "selectors": {"models", "storage", "access", "engine.masks", "errors"},
    "services": {
        "models", "selectors", "access", "storage", "jobs", "engine", "interchange", "demo",
        "errors",
    },
    "demo": {"engine", "interchange", "errors"},
    "tasks": {"services"},
    "api": DOORS,
    "dicomweb": DOORS,
    "monailabel": DOORS,
    "pages": DOORS,
    "management": {"services", "selectors", "engine", "interchange", "errors"},
    "admin": {"models"},
    "checks": {"errors"},
    "apps": {"checks"},
}  # fmt: skip
SITE_MAY_IMPORT = {"api", "dicomweb", "monailabel", "pages", "tasks"}
PURE = ("segmentation.engine", "segmentation.interchange", "segmentation.demo.phantoms")
NOT_PURE = {"django", "rest_framework", "celery", "redis", "structlog", "medseg_site"}

LONGEST_FILE = 400
REASON_FOR_LENGTH = re.compile(r"over 400 lines:\s*\S.{15,}|generated", re.IGNORECASE)
SOURCE_SUFFIXES = {".py", ".ts", ".svelte", ".js", ".css", ".html"}
MOST_SUPPRESSIONS = 15
SUPPRESSION = re.compile(
    r"#\s*noqa|#\s*type:\s*ignore|eslint-disable|@ts-(ignore|expect-error|nocheck)"
    r"|svelte-ignore|#\s*pragma:\s*no cover|stylelint-disable"
)


@dataclass(frozen=True)
class Import:
    """One name that a module takes from another: where, from where, and whether in a function."""

    module: str
    line: int
    target: str
    name: str
    hidden: bool

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target} ({self.name or 'whole'})"


# Reading -------------------------------------------------------------------------------------


@cache
def modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "migrations" in parts:
                continue
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def imports_in(tree: ast.Module, module: str, is_package: bool) -> Iterator[Import]:
    """Every import of a module, those inside functions marked as hidden."""
    hidden = {
        id(inner)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for inner in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, node.lineno, alias.name, "", id(node) in hidden)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node, module, is_package)
            for alias in node.names:
                yield Import(module, node.lineno, base, alias.name, id(node) in hidden)


def absolute(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    """``from ..a import b`` in full."""
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    kept = parts[: len(parts) - node.level + (1 if is_package else 0)]
    return ".".join([*kept, *([node.module] if node.module else [])])


@cache
def all_imports() -> tuple[Import, ...]:
    found: list[Import] = []
    for module, path in modules().items():
        found += imports_in(tree_of(path), module, path.name == "__init__.py")
    return tuple(found)


def target_module(found: Import, known: Iterable[str]) -> str:
    """``from segmentation.engine import masks`` means the module ``segmentation.engine.masks``."""
    longer = f"{found.target}.{found.name}"
    return longer if found.name and longer in known else found.target


def room(module: str) -> str:
    """The first name below the package; empty for the package itself."""
    return module.partition(".")[2].partition(".")[0]


def allows(allowed: set[str], target: str) -> bool:
    inner = target.partition(".")[2]
    return any(inner == name or inner.startswith(name + ".") for name in allowed)


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Strongly connected groups of more than one module (Tarjan 1972), and self-imports."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for neighbour in sorted(edges.get(node, ())):
            if neighbour not in index:
                visit(neighbour)
                low[node] = min(low[node], low[neighbour])
            elif neighbour in stack:
                low[node] = min(low[node], index[neighbour])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1 or node in edges.get(node, ()):
                found.append(sorted(group))

    for node in sorted(edges):
        if node not in index:
            visit(node)
    return found


def private_uses(tree: ast.Module, module: str, is_package: bool) -> Iterator[str]:
    """``from ours import _x`` and ``ours._x``, where ``ours`` is another module of ours."""
    neighbours: set[str] = set()
    for found in imports_in(tree, module, is_package):
        ours = found.target.split(".")[0] in PACKAGES
        if ours and found.name.startswith("_") and not found.name.startswith("__"):
            yield f"{module}:{found.line} takes {found.name} from {found.target}"
        if ours and found.name and f"{found.target}.{found.name}" in modules():
            neighbours.add(found.name)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and node.attr.startswith("_")
            and not node.attr.startswith("__")
            and isinstance(node.value, ast.Name)
            and node.value.id in neighbours
        ):
            yield f"{module}:{node.lineno} uses {node.value.id}.{node.attr}"


@cache
def tracked() -> tuple[Path, ...]:
    """Files under version control; without git or in an unpacked archive, all that it would not
    ignore."""
    listed = which("git") and subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False, text=True
    )
    if listed and listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        paths = list(unignored(ROOT))
    return tuple(path for path in paths if path.is_file())


def unignored(folder: Path) -> Iterator[Path]:
    patterns = [".git", *(line.strip("/") for line in (ROOT / ".gitignore").read_text().split())]
    for path in folder.iterdir():
        if any(fnmatch(path.name, pattern) for pattern in patterns):
            continue
        yield from unignored(path) if path.is_dir() else [path]


def written_by_hand() -> Iterator[Path]:
    for path in tracked():
        parts = path.relative_to(ROOT).parts
        built = "static" in parts or "migrations" in parts
        if path.suffix in SOURCE_SUFFIXES and not built:
            yield path


# The law -------------------------------------------------------------------------------------


def test_every_room_has_a_row_in_the_table() -> None:
    rooms = {room(module) for module in modules() if module.startswith("segmentation.")}
    assert rooms <= MAY_IMPORT.keys(), rooms - MAY_IMPORT.keys()


def test_every_import_follows_the_directions() -> None:
    wrong = []
    for found in all_imports():
        target = target_module(found, modules())
        if target.split(".")[0] not in PACKAGES:
            continue
        if found.module.split(".")[0] == "medseg_site":
            fine = target.startswith("medseg_site") or allows(SITE_MAY_IMPORT, target)
        else:
            inside = room(found.module) == room(target) and target.startswith("segmentation.")
            fine = inside or allows(MAY_IMPORT[room(found.module)], target)
        if not fine:
            wrong.append(str(found))
    assert not wrong, "\n".join(wrong)


def test_no_two_modules_import_each_other_in_a_circle() -> None:
    edges: dict[str, set[str]] = {module: set() for module in modules()}
    for found in all_imports():
        target = target_module(found, modules())
        if target in edges:
            edges[found.module].add(target)
    assert circles(edges) == []


def test_no_import_hides_in_a_function() -> None:
    hidden = [str(found) for found in all_imports() if found.hidden]
    assert not hidden, "\n".join(hidden)


def test_nobody_uses_a_neighbour_s_private_names() -> None:
    wrong = [
        line
        for module, path in modules().items()
        for line in private_uses(tree_of(path), module, path.name == "__init__.py")
    ]
    assert not wrong, "\n".join(wrong)


def test_pure_rooms_know_no_framework() -> None:
    wrong = [
        str(found)
        for found in all_imports()
        if found.module.startswith(PURE) and found.target.split(".")[0] in NOT_PURE
    ]
    assert not wrong, "\n".join(wrong)


def test_the_package_itself_is_empty_so_the_engine_loads_alone() -> None:
    assert (ROOT / "segmentation" / "__init__.py").read_text() == ""


def test_no_room_is_empty() -> None:
    """A folder of modules in which no line does anything is a promise, not a room."""
    empty = []
    for folder in {path.parent for path in modules().values()}:
        written = [
            node
            for path in folder.rglob("*.py")
            for node in tree_of(path).body
            if not isinstance(node, ast.Expr)
            and not (isinstance(node, ast.ImportFrom) and node.module == "__future__")
        ]
        if not written and folder not in {ROOT / package for package in PACKAGES}:
            empty.append(str(folder.relative_to(ROOT)))
    assert not empty, empty


def test_the_top_level_holds_only_the_names_agreed_on() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


def test_no_file_is_longer_than_400_lines_without_a_reason_at_its_top() -> None:
    long = []
    for path in written_by_hand():
        lines = path.read_text().splitlines()
        if len(lines) > LONGEST_FILE and not REASON_FOR_LENGTH.search("\n".join(lines[:5])):
            long.append(f"{path.relative_to(ROOT)}: {len(lines)} lines")
    assert not long, "\n".join(long)


def test_checkers_are_silenced_at_most_fifteen_times() -> None:
    silenced = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in written_by_hand()
        if path != Path(__file__)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if SUPPRESSION.search(line)
    ]
    assert len(silenced) <= MOST_SUPPRESSIONS, "\n".join(silenced)


# The law's own tests -------------------------------------------------------------------------


def test_an_import_in_a_function_is_seen() -> None:
    tree = ast.parse("import a\ndef f():\n    from .b import c\n")
    found = list(imports_in(tree, "segmentation.engine.masks", is_package=False))
    assert [(item.target, item.hidden) for item in found] == [
        ("a", False),
        ("segmentation.engine.b", True),
    ]


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}, [["a", "b", "c"]]),
        ({"a": {"a"}}, [["a"]]),
    ],
)
def test_a_circle_of_any_length_is_seen(
    edges: dict[str, set[str]], expected: list[list[str]]
) -> None:
    assert circles(edges) == expected


def test_a_rule_may_name_a_room_or_one_module_of_it() -> None:
    assert allows({"engine.masks"}, "segmentation.engine.masks")
    assert not allows({"engine.masks"}, "segmentation.engine.nms")
    assert not allows({"engine.masks"}, "segmentation.engine.masks_of_another_name")
    assert allows({"engine"}, "segmentation.engine.nms")


def test_a_neighbour_s_private_name_is_seen() -> None:
    tree = ast.parse(
        "from medseg_site import places\nfrom medseg_site.logs import _x\nplaces._hidden()\n"
    )
    found = list(private_uses(tree, "medseg_site.other", is_package=False))
    assert len(found) == 2
