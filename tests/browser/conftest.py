"""The portal in a real browser: Chromium through Playwright, the demo directory over TLS, a real mail server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from django.conf import settings as django_settings
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from portal.fulfilment import services
from portal.gateways.directory import NewAccount
from portal.orgs.models import User
from tests import lab as servers
from tests.lab import Lab
from tests.roles import client_of

# Playwright's synchronous interface runs an event loop of its own beside the ORM.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

PASSWORD = "Demo.Login-2026"
# The servers are the same as for the fault tests.
demo_lab, either_lab, lab = servers.demo_lab, servers.either_lab, servers.lab


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], chromium_path: str) -> dict[str, Any]:
    arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--lang=ja"]
    # A page lives for a second or two: what V8 would make of its scripts in the background is worth less than it takes.
    arguments.append("--js-flags=--no-opt,--always-sparkplug")
    environment = {**os.environ, "LANGUAGE": "ja"}
    return {
        **browser_type_launch_args,
        "executable_path": chromium_path,
        "args": arguments,
        "env": environment,
    }


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    viewport = {"width": 1280, "height": 900}
    return {**browser_context_args, "locale": "ja-JP", "timezone_id": "Asia/Tokyo", "viewport": viewport}


@dataclass
class Desk:
    """One person at a browser of their own."""

    context: BrowserContext
    page: Page
    address: str
    csp_hits: list[Any] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Go to a page, which must answer 200."""
        answer = self.page.goto(self.address + path)
        assert answer is not None
        assert answer.status == 200, f"{path}: {answer.status}"

    def log_in(self, user: User) -> None:
        """By the form, as everybody does."""
        self.open("/auth/login/")
        self.page.fill("input[name=login]", user.login_name)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.press("input[name=password]", "Enter")
        expect(self.page.locator("h1")).to_have_text("今日の仕事")

    def press(self, name: str) -> None:
        """Press the button or follow the link of that name, and wait for the next page."""
        target = self.page.get_by_role("button", name=name, exact=True).or_(
            self.page.get_by_role("link", name=name, exact=True)
        )
        with self.page.expect_navigation():
            target.first.click()

    def enter(self) -> None:
        """Press the enter key where the focus is, and wait for the next page."""
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def status(self) -> str:
        """The status chip beside the heading."""
        return self.page.locator(".l-titlerow .c-chip").first.inner_text().strip()


@dataclass
class Office:
    """The servers, the people and their browsers."""

    lab: Lab
    address: str
    new_context: Any
    desks: dict[int, Desk] = field(default_factory=dict)

    def desk_of(self, user: User) -> Desk:
        """The browser in which this person is logged in, as after a login with password and second factor."""
        if user.pk not in self.desks:
            desk = self.new_desk()
            register_administrator(self.lab, user)
            session = client_of(user).cookies[django_settings.SESSION_COOKIE_NAME].value
            cookie = {"name": django_settings.SESSION_COOKIE_NAME, "value": session, "url": self.address}
            desk.context.add_cookies([cookie])
            self.desks[user.pk] = desk
        return self.desks[user.pk]

    def logged_in(self, user: User) -> Desk:
        """A new browser in which this person has just given the password, as whoever changes it or a factor must."""
        register_administrator(self.lab, user)
        desk = self.desks[user.pk] = self.new_desk()
        desk.log_in(user)
        return desk

    def new_desk(self) -> Desk:
        """A browser in which nobody is logged in. Violations of the content security policy are noted.

        Each page starts with axe: so it is compiled once, handed to a loaded page it would be each time.
        """
        context = self.new_context()
        context.add_init_script(path=AXE_FILE_PATH)
        page = context.new_page()
        desk = Desk(context, page, self.address)
        context.expose_binding("__cspHit", lambda source, violation: desk.csp_hits.append(violation))
        context.add_init_script(
            "document.addEventListener('securitypolicyviolation', e =>"
            " window.__cspHit({directive: e.effectiveDirective, uri: e.blockedURI, page: location.pathname}))"
        )
        return desk

    def carry_out(self) -> None:
        """What a worker does at the bell."""
        services.drain("directory", now_fn=timezone.now)

    def csp_hits(self) -> list[Any]:
        """Every violation at any desk."""
        return [hit for desk in self.desks.values() for hit in desk.csp_hits]


def register_administrator(lab: Lab, user: User) -> None:
    """Give a person an administrator account in the directory, with a password of their own."""
    directory = lab.directory
    entry = directory.create_account(
        NewAccount(
            login_name=user.login_name,
            display_name=user.display_name,
            family_name="試験",
            given_name="太郎",
            kana="シケン タロウ",
            department="",
            company=user.organisation.name,
            mail=user.email,
            container_dn=f"OU=Administrators,OU={user.organisation.ou_name},{django_settings.DIRECTORY['root_ou']}",
            marker=f"test-{user.login_name}",
        ),
        initial_password="Initial-4747-xyz",
    )
    directory.change_password(entry.guid, old_password="Initial-4747-xyz", new_password=PASSWORD)
    user.directory_guid = entry.guid
    user.save(update_fields=["directory_guid"])


@pytest.fixture
def office(lab: Lab, live_server: Any, new_context: Any) -> Iterator[Office]:
    """Everything that a journey through the portal needs. The pages must never violate the policy."""
    made = Office(lab, live_server.url, new_context)
    yield made
    assert made.csp_hits() == []
