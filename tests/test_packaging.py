"""The name `requests` is ours, at every entry point (docs/adr/0003)."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.txt", "requirements-embedded.txt", "requirements-dev.txt")


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_file_names_the_library(lock: str) -> None:
    pinned = {
        line.split("==")[0].split("[")[0].strip().lower()
        for line in (ROOT / lock).read_text().splitlines()
        if "==" in line
    }

    assert "requests" not in pinned


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pinned_package_carries_a_hash(lock: str) -> None:
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    pinned = [line for line in text.splitlines() if "==" in line and not line.lstrip().startswith("#")]

    assert pinned
    assert [line for line in pinned if "--hash=sha256:" not in line] == []


def test_the_library_is_not_installed() -> None:
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.distribution("requests")


def test_the_imported_module_is_our_app() -> None:
    import requests

    assert Path(requests.__file__).parent == ROOT / "requests"


@pytest.mark.parametrize(
    "runner", [["-m", "pytest"], ["-c", "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"]]
)
def test_our_app_wins_under_either_way_to_start_pytest(runner: list[str]) -> None:
    command = [sys.executable, *runner, "-q", "--no-header", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, f"{__file__}::test_the_imported_module_is_our_app"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", ["rest_framework.test", "drf_spectacular.views", "portal.celery"])
def test_modules_that_probe_for_the_library_import_in_a_fresh_interpreter(module: str) -> None:
    program = f"import os; os.environ['DJANGO_SETTINGS_MODULE']='portal.settings.test'; import portal, django; django.setup(); import {module}"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_a_foreign_module_of_that_name_stops_the_start_with_a_clear_message(tmp_path: Path) -> None:
    foreign = tmp_path / "requests"
    foreign.mkdir()
    (foreign / "__init__.py").write_text("")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.path.append({str(ROOT)!r}); import portal"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
    assert "not from this project" in done.stderr
