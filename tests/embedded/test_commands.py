"""The commands around the portal: set-up, tiers of the tests, services, and the wall towards production."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from portal.embedded import bootstrap, checks, packages, services, tiers

ROOT = Path(__file__).resolve().parent.parent.parent


def test_production_settings_cannot_load_the_embedded_servers() -> None:
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings.production"}

    done = subprocess.run(
        [sys.executable, "-c", "import portal.embedded.run"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
    )

    assert done.returncode != 0
    assert "production settings must not load it" in done.stderr


@pytest.mark.parametrize(
    "line", ["requests==2.32.3 \\", "Requests[socks]==2.32.3", "requests @ https://example.jp/r.whl"]
)
def test_a_lock_that_names_the_foreign_requests_is_refused(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    (tmp_path / "requirements.txt").write_text(f"redis==8.1.0\n{line}\n")

    with pytest.raises(bootstrap.SetupError, match="requests"):
        bootstrap.refuse_name_clash(("requirements.txt",))


def test_names_that_only_begin_alike_are_no_clash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    (tmp_path / "requirements.txt").write_text("requests-toolbelt==1.0.0\n    # via requests\n")

    bootstrap.refuse_name_clash(("requirements.txt",))

    with (tmp_path / "requirements.txt").open("a") as lock:
        lock.write("requests==2.32.3\n")
    with pytest.raises(bootstrap.SetupError):  # the file is looked at to its end
        bootstrap.refuse_name_clash(("requirements.txt",))


def test_every_locked_package_has_a_hash() -> None:
    assert checks.locks_have_hashes()


def test_a_locked_package_without_a_hash_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(checks, "ROOT", tmp_path)
    for name in checks.DEV_LOCKS:
        (tmp_path / name).write_text("good==1 \\\n    --hash=sha256:00\nbad==2\n    # via good==1\n")

    assert not checks.locks_have_hashes()
    assert "requirements.txt: without a hash: bad==2" in capsys.readouterr().out


def test_packages_that_do_not_exist_are_missing() -> None:
    assert packages.missing(["no-such-package-anywhere"]) == ["no-such-package-anywhere"]


def test_the_services_environment_is_read_as_it_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "DIRECTORY", tmp_path)
    (tmp_path / "env").write_text("PLAIN=x\nQUOTED='a b $c'\nEMPTY=\nURL=postgres://u:p@/d?host=/s\n")

    assert services.environment() == {
        "PLAIN": "x",
        "QUOTED": "a b $c",
        "EMPTY": "",
        "URL": "postgres://u:p@/d?host=/s",
    }


def test_services_that_were_never_started_are_named_as_not_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "DIRECTORY", tmp_path / "none")

    assert "make services" in services.missing()
    assert set(services.status().values()) == {False}


def test_a_run_is_counted_from_its_report(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite tests="10" failures="1" errors="1" skipped="3"/></testsuites>',
        encoding="utf-8",
    )

    assert tiers.count_report(report) == {"failed": 2, "skipped": 3, "passed": 5}
    assert tiers.count_report(tmp_path / "none.xml") == {}


@pytest.mark.parametrize(("ci", "outcome", "code"), [("", "1 skipped", 0), ("true", "1 error", 1)])
def test_a_tier_that_cannot_run_is_named_and_fails_only_in_ci(
    ci: str, outcome: str, code: int, tmp_path: Path
) -> None:
    probe = tmp_path / "test_probe.py"
    probe.write_text("import pytest\n@pytest.mark.browser\ndef test_page(): pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-c", "pyproject.toml", "-p", "tests.conftest", probe]

    done = subprocess.run(
        [*command, "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={**os.environ, "CI": ci, "CHROMIUM": "", "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert done.returncode == code, done.stdout
    assert outcome in done.stdout
    assert "browser: Chromium is not installed" in done.stdout
