"""Production does not start without what signed and time-stamped reports need (AUD-10)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from portal.documents.settings_check import settings_of_documents
from portal.embedded import authority, checks

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    authority.make_certificates(tmp_path)
    for name, value in authority.environment(tmp_path, 8318).items():
        setattr(settings, name, value)
    return tmp_path


def found() -> list[str | None]:
    return [problem.id for problem in settings_of_documents()]


def test_a_key_with_its_certificate_and_an_authority_are_fine(folder: Path) -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("DOCUMENT_CERTIFICATE_FILE", "", "documents.E001"),
        ("DOCUMENT_CERTIFICATE_FILE", "signer.key", "documents.E001"),
        ("DOCUMENT_ROOTS_FILE", "no-such-file.pem", "documents.E002"),
        ("DOCUMENT_TIMESTAMP_URL", "", "documents.E003"),
        ("DOCUMENT_TIMESTAMP_URL", "tsa.example.jp", "documents.E003"),
        ("DOCUMENT_SIGNING_KEY_FILE", "no-such-file.key", "documents.E004"),
        ("DOCUMENT_SIGNING_KEY_FILE", "tsa.key", "documents.E006"),
    ],
)
def test_what_cannot_work_is_told(folder: Path, settings: Any, name: str, value: str, code: str) -> None:
    setattr(settings, name, str(folder / value) if "." in value and "tsa.example" not in value else value)

    assert found() == [code]


def test_a_key_that_other_accounts_may_read_is_told(folder: Path) -> None:
    (folder / authority.SIGNER_KEY).chmod(0o640)

    assert found() == ["documents.E005"]


def test_a_process_without_a_key_needs_none(folder: Path, settings: Any) -> None:
    settings.DOCUMENT_SIGNING_KEY_FILE = ""

    assert found() == []


def start(command: str, **changed: str) -> subprocess.CompletedProcess[str]:
    """A production process with the values of the deployment check, some of them changed."""
    env = {**os.environ, **checks.PRODUCTION, **changed}
    return subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", ["DOCUMENT_TIMESTAMP_URL", "DOCUMENT_ROOTS_FILE", "EVIDENCE_SIGNER_SOCKET"])
def test_production_stops_at_the_start_and_names_what_is_missing(name: str) -> None:
    stopped = start("import portal.settings.production", **{name: ""})

    assert stopped.returncode == 1
    assert f"Not set in the environment: {name} " in stopped.stderr


def test_a_web_process_that_is_told_the_key_does_not_start() -> None:
    stopped = start("import portal.wsgi", DOCUMENT_SIGNING_KEY_FILE="/etc/portal/signing.key")

    assert stopped.returncode == 1
    assert "never for a web process" in stopped.stderr
    assert start("import portal.wsgi").returncode == 0
