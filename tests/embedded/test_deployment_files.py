"""What docs and deploy/ say about settings is what the settings read."""

from __future__ import annotations

import re
from pathlib import Path

from django.urls import reverse

from portal.embedded import checks

ROOT = Path(__file__).resolve().parent.parent.parent
READ = re.compile(r'env\.(?:text|number|flag|names)\(\s*"([A-Z_]+)"')


def names_read_by_the_settings() -> set[str]:
    files = (ROOT / "portal" / "settings").glob("*.py")
    return {name for path in files for name in READ.findall(path.read_text())} | {"DATABASE_URL"}


def names_required_in_production() -> set[str]:
    text = (ROOT / "portal" / "settings" / "production.py").read_text()
    return set(re.findall(r"[A-Z_]{5,}", text.partition("_REQUIRED = [")[2].partition("]")[0]))


def test_every_setting_is_described() -> None:
    described = set(re.findall(r"`([A-Z][A-Z_]+)`", (ROOT / "docs" / "OPERATIONS.md").read_text()))

    assert names_read_by_the_settings() - described == set()


def test_required_settings_are_marked_and_in_the_example() -> None:
    required = names_required_in_production()
    example = set(
        re.findall(r"^([A-Z_]+)=", (ROOT / "deploy" / "portal.env.example").read_text(), re.MULTILINE)
    )
    marked = set(re.findall(r"`([A-Z_]+)` \*", (ROOT / "docs" / "OPERATIONS.md").read_text()))

    assert len(required) > 10
    assert required - example == set()
    assert required == marked


def test_the_deployment_check_gives_exactly_what_production_needs() -> None:
    assert set(checks.PRODUCTION) == names_required_in_production() | {"DJANGO_SETTINGS_MODULE"}


def test_one_unit_names_the_key_of_the_reports_and_has_an_account_of_its_own() -> None:
    units = {path.stem: path.read_text() for path in (ROOT / "deploy" / "systemd").glob("*.service")}
    accounts = {name: re.findall(r"^User=(.+)$", text, re.MULTILINE)[0] for name, text in units.items()}

    (naming,) = (name for name, text in units.items() if "DOCUMENT_SIGNING_KEY_FILE" in text)

    assert naming == "portal-documents"
    assert [name for name, account in accounts.items() if account == accounts[naming]] == [naming]
    assert "DOCUMENT_SIGNING_KEY_FILE=" not in (ROOT / "deploy" / "portal.env.example").read_text()


def test_every_queue_has_a_unit_that_works_it() -> None:
    from django.conf import settings

    units = "".join(path.read_text() for path in (ROOT / "deploy" / "systemd").glob("*.service"))

    for route in settings.CELERY_TASK_ROUTES.values():
        assert f"--queues {route['queue']} " in units


def test_the_access_log_shows_no_link_that_lets_its_bearer_in() -> None:
    conf = (ROOT / "deploy" / "nginx" / "portal-log.conf").read_text()
    masks = re.findall(r"^\s*~(\S+)\s+(\S+);", conf, re.MULTILINE)
    assert "$uri" not in conf.partition("log_format")[2]

    for name in ("recipient_confirm", "inventory_question"):
        path = reverse(name, kwargs={"token": "s3cret"})
        logged = next((shown for pattern, shown in masks if re.match(pattern, path)), path)
        assert "s3cret" not in logged
