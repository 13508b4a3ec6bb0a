"""What every test stands on: throw-away servers, and the tiers that need more than Python.

A test marked `browser` needs Chromium, one marked `real` the Debian services of `make services`. Where they are missing
the test is skipped and its tier is named in the last lines; with CI=true it fails instead.
"""

from __future__ import annotations

import functools
import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import TransactionTestCase

from portal.embedded import services, throwaway
from portal.embedded.mailcatcher import MailCatcher
from portal.embedded.valkey import EmbeddedValkey
from tests import flush, seed
from tests.evidence import RunningSigner, signer_in_a_thread

_NOT_RUN = "tier not run:"

# Python looks for garbage less often: a quarter of the time to collect the tests went there, and a thirtieth of theirs.
gc.set_threshold(50_000, 20, 20)

TransactionTestCase._fixture_teardown = flush.fixture_teardown  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest) -> None:
    """pytest-django asks for this before it makes the test database: the moment to start the servers."""
    if throwaway.are_ours():
        seed.start_migrated(throwaway.postgres())
        throwaway.start_servers()
    else:
        request.getfixturevalue("django_db_modify_db_settings_parallel_suffix")
        if _is_alone(request.config):
            seed.copy_migrated(os.environ["DATABASE_URL"])


@pytest.fixture(scope="session")
def django_db_keepdb(request: pytest.FixtureRequest) -> bool:
    """The test database is in the server already."""
    return throwaway.are_ours() or _is_alone(request.config) or bool(request.config.getvalue("reuse_db"))


def _is_alone(config: pytest.Config) -> bool:
    """One process on servers that stay, which wants its database new."""
    return not hasattr(config, "workerinput") and not config.getvalue("reuse_db")


@pytest.fixture(scope="module")
def built_once(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any
) -> Iterator[None]:
    """What fixtures of scope "module" that make rows ask for: their rows stand until the module's last test.

    Every test works in a savepoint on top of them. It gets a copy of their objects, so that no test finds what another
    one changed. Not for a module with tests that commit: nobody else would see the rows.
    """
    of_module = [
        item for item in request.session.items if getattr(item, "module", None) is request.node.module
    ]
    assert not any(map(_commits, of_module)), "tests that commit belong in a module of their own"
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _empty_cache(request: pytest.FixtureRequest) -> Iterator[None]:
    """What one test put into the cache is not there in the next."""
    yield
    if "_django_db_helper" in request.fixturenames or "valkey" in request.fixturenames:
        cache.clear()


@pytest.fixture
def valkey(django_db_modify_db_settings: None) -> EmbeddedValkey:
    """The broker and cache of this run, for tests that stop or flush it (and start it again)."""
    if throwaway.valkey().cache_url != os.environ["REDIS_URL"]:
        pytest.skip("the broker belongs to the environment and is not ours to stop")
    return throwaway.valkey()


@pytest.fixture
def mail_catcher(tmp_path: Path, settings: Any) -> Iterator[MailCatcher]:
    """An empty mail server that the portal's settings point to."""
    with MailCatcher(tmp_path / "mail") as catcher:
        address = {"host": catcher.host, "port": catcher.port, "user": "", "password": "", "security": "none"}
        settings.SMTP = {**settings.SMTP, **address}
        yield catcher


@pytest.fixture
def signer(tmp_path: Path, settings: Any) -> Iterator[RunningSigner]:
    """An empty evidence log's signer that the portal's settings point to: portal.trail.sealing.seal(now=…) works."""
    with signer_in_a_thread(tmp_path / "signer") as running:
        settings.EVIDENCE = running.settings
        yield running


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The installed Chromium; browser tests pass it to Playwright as executable_path."""
    found = _chromium()
    assert found, "asked for by a test that is not marked browser"
    return found


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--real-tier",
        action="store_true",
        help="only what other servers can change: tests marked real, and tests that commit to the database",
    )
    parser.addoption(
        "--beside-real-tier",
        action="store_true",
        help="all the others: what --real-tier runs at the same time is left to it",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    real, beside = config.getoption("--real-tier"), config.getoption("--beside-real-tier")
    if real or beside:
        chosen = [item for item in items if _is_for_real_servers(item) == bool(real)]
        config.hook.pytest_deselected(items=list(set(items) - set(chosen)))
        items[:] = chosen


def pytest_collection_finish(session: pytest.Session) -> None:
    """Nobody looks for garbage among what was loaded before the first test: it stays."""
    gc.collect()
    gc.freeze()


def _is_for_real_servers(item: pytest.Item) -> bool:
    """A test marked `real` or one that commits: locks, races, triggers and queues are what one PostgreSQL or Redis does
    unlike another.

    Not those that stop the broker, which are not ours to stop there; not the browser's; not the half of a test that runs
    on the demonstration's directory; and not those marked `once`, whose smaller neighbours run instead.
    """
    if item.get_closest_marker("real"):
        return True
    stays = item.get_closest_marker("once") or item.get_closest_marker("browser")
    if stays or "valkey" in getattr(item, "fixturenames", ()):
        return False
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return _commits(item) and parameters.get("either_lab") != "demo"


def _commits(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("django_db")
    asked = bool(mark and mark.kwargs.get("transaction"))
    return asked or "transactional_db" in getattr(item, "fixturenames", ())


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("browser") and not _chromium():
        _leave_out("browser", "Chromium is not installed")
    if item.get_closest_marker("real"):
        problem = _missing_services()
        if problem:
            _leave_out("real", problem)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = {
        report.longrepr[2].partition(_NOT_RUN)[2].strip()
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple) and _NOT_RUN in report.longrepr[2]
    }
    if reasons:
        terminalreporter.section("Tiers that did not run")
        for reason in sorted(reasons):
            terminalreporter.line(reason)


@functools.cache
def _missing_services() -> str:
    """Asked before the first test that needs them: six servers to greet before each one took a sixth of the tier's time."""
    return services.missing()


def _leave_out(tier: str, problem: str) -> None:
    text = f"{_NOT_RUN} {tier}: {problem}"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(text, pytrace=False)
    pytest.skip(text)


def _chromium() -> str | None:
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
