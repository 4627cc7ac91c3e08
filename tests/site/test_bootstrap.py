"""The prologue: what it refuses, what it installs, and that it needs nothing but Python."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from medseg_site import bootstrap
from medseg_site.bootstrap import RefusalError

SITE = Path(bootstrap.__file__).parent
BEFORE_THE_ENVIRONMENT = (
    "bootstrap", "places", "supervise", "children", "redis_server", "site_lock", "suite",
)  # fmt: skip


@pytest.mark.parametrize("version", [(2, 7), (3, 9), (3, 10)])
def test_an_old_python_is_refused_with_the_version_that_is_needed(version: tuple[int, int]) -> None:
    with pytest.raises(RefusalError, match=r"needs Python 3\.11 or newer; this is Python"):
        bootstrap.check_python(version)


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 14)])
def test_newer_pythons_are_welcome(version: tuple[int, int]) -> None:
    bootstrap.check_python(version)


def test_a_missing_venv_module_names_the_package_to_install() -> None:
    with pytest.raises(RefusalError, match=r"sudo apt install python3\.11-venv"):
        bootstrap.check_venv(False, (3, 11))
    bootstrap.check_venv(True, (3, 11))


def test_a_full_disk_is_refused_with_both_figures() -> None:
    with pytest.raises(RefusalError, match=r"0\.5 GB free; 3\.0 GB are needed"):
        bootstrap.check_space(500_000_000, 3_000_000_000, Path("/x"))
    bootstrap.check_space(3_000_000_000, 3_000_000_000, Path("/x"))


@pytest.mark.parametrize(
    ("words", "cpu"),
    [
        ([], False),
        (["--port", "8001"], False),
        (["--torch", "cpu"], True),
        (["--port", "1", "--torch=cpu"], True),
    ],
)
def test_the_cpu_build_is_asked_for_by_a_flag(words: list[str], cpu: bool) -> None:
    assert bootstrap.wants_cpu(words) is cpu


@pytest.mark.parametrize("words", [["--torch"], ["--torch", "cuda"], ["--torch=rocm"]])
def test_another_build_is_refused(words: list[str]) -> None:
    with pytest.raises(RefusalError, match="one word: cpu"):
        bootstrap.wants_cpu(words)


def test_pip_installs_the_project_with_its_tests_and_the_cpu_index_only_when_asked() -> None:
    plain = bootstrap.install_command("pip", cpu=False)
    assert plain[1:4] == ["-m", "pip", "install"]
    assert plain[-2:] == ["--editable", f"{bootstrap.REPOSITORY}[test]"]
    assert bootstrap.CPU_INDEX not in plain
    assert bootstrap.CPU_INDEX in bootstrap.install_command("pip", cpu=True)


def test_uv_is_used_only_where_it_is_asked_for_and_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    assert "pip" in bootstrap.install_command("uv", cpu=False)[2]
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: f"/opt/{name}")
    assert bootstrap.install_command("uv", cpu=False)[:3] == ["/opt/uv", "pip", "install"]
    assert bootstrap.install_command("pip", cpu=False)[0] != "/opt/uv"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "  Downloading torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl (190.2 MB)",
            "downloading torch-2.13.0 (190.2 MB)",
        ),
        (
            "Downloading https://host/path/django-5.2-py3-none-any.whl (8.3 MB)",
            "downloading django-5.2 (8.3 MB)",
        ),
        ("  Downloading torch-2.13.0-cp311.whl.metadata (30 kB)", None),
        ("Collecting torch>=2.6", None),
        ("Installing collected packages: a, b, c", "installing 3 packages"),
        ("ERROR: No matching distribution found", "ERROR: No matching distribution found"),
        ("", None),
    ],
)
def test_only_the_installer_lines_that_a_person_waits_for_are_told(
    line: str, told: str | None
) -> None:
    assert bootstrap.told(line) == told


def test_the_stamp_changes_with_a_dependency_but_not_with_a_tool_s_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "REPOSITORY", tmp_path)
    monkeypatch.setattr(bootstrap, "CONSTRAINTS", tmp_path / "pins")
    project = tmp_path / "pyproject.toml"
    project.write_text('[project]\ndependencies = ["a"]\n\n[tool.ruff]\nline-length = 100\n')
    first = bootstrap.wanted_digest()
    project.write_text('[project]\ndependencies = ["a"]\n\n[tool.ruff]\nline-length = 90\n')
    assert bootstrap.wanted_digest() == first
    project.write_text('[project]\ndependencies = ["a", "b"]\n\n[tool.ruff]\nline-length = 90\n')
    assert bootstrap.wanted_digest() != first


@pytest.mark.parametrize("name", BEFORE_THE_ENVIRONMENT)
def test_what_runs_before_the_environment_imports_the_standard_library_alone(name: str) -> None:
    tree = ast.parse((SITE / f"{name}.py").read_text())
    for node in ast.walk(tree):
        modules = (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        )  # fmt: skip
        for module in modules:
            root = module.partition(".")[0]
            assert root in sys.stdlib_module_names or root == "medseg_site", (name, module)


def make_copy(tmp_path: Path) -> Path:
    """The door and the site's rooms alone, with no environment beside them."""
    (tmp_path / "manage.py").write_text((bootstrap.REPOSITORY / "manage.py").read_text())
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "medseg_site").mkdir()
    for file in SITE.glob("*.py"):
        (tmp_path / "medseg_site" / file.name).write_text(file.read_text())
    return tmp_path


def run_bare(folder: Path, *words: str, prelude: str = "") -> subprocess.CompletedProcess[str]:
    """``manage.py`` in a Python that sees no installed package, after ``prelude``."""
    code = (
        f"import sys, runpy; sys.path.insert(0, {str(folder)!r})\n{prelude}\n"
        f"sys.argv = ['manage.py', *{list(words)!r}]\n"
        f"runpy.run_path({str(folder / 'manage.py')!r}, run_name='__main__')"
    )
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )


def test_up_on_a_python_without_venv_ends_with_status_2_and_the_package(tmp_path: Path) -> None:
    hide = (
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'ensurepip' else find(name, *rest)"
    )
    done = run_bare(make_copy(tmp_path), "up", prelude=hide)
    assert done.returncode == 2
    assert "-venv" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_up_on_an_old_python_ends_with_status_2(tmp_path: Path) -> None:
    old = "sys.version_info = (3, 10, 2)"
    done = run_bare(make_copy(tmp_path), "up", prelude=old)
    assert done.returncode == 2
    assert "this is Python 3.10" in done.stderr


def test_a_wrong_word_is_refused_before_anything_is_installed(tmp_path: Path) -> None:
    done = run_bare(make_copy(tmp_path), "up", "--prot", "8000")
    assert done.returncode == 2
    assert "--prot" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_django_command_without_an_environment_says_how_to_make_one(tmp_path: Path) -> None:
    done = run_bare(make_copy(tmp_path), "migrate")
    assert done.returncode == 2
    assert "manage.py test" in done.stderr
