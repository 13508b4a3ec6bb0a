"""What holds for every template and every page: nothing inline, error pages that need nothing, help for everybody."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from portal.common import views
from portal.workflow import context
from portal.workflow.context import MENU, PERSONAL
from tests import roles

ROOT = Path(__file__).parent.parent.parent
# templates/documents become PDF and never reach a browser.
TEMPLATES = sorted(
    path for path in (ROOT / "templates").rglob("*.html") if "documents" not in path.relative_to(ROOT).parts
)
FORBIDDEN = {
    "a style attribute": re.compile(r"<[^>]*\sstyle\s*="),
    "an on… attribute": re.compile(r"<[^>]*\son[a-z]+\s*="),
    "a style element": re.compile(r"<style\b"),
    "an inline script": re.compile(r"<script\b(?![^>]*\ssrc=)"),
    "an unescaped value": re.compile(r"\|\s*safe\b|autoescape\s+off"),
    "a javascript: address": re.compile(r"javascript:", re.IGNORECASE),
    "an address of somebody else": re.compile(r"""(?:src|href|action)=["'](?:https?:)?//"""),
    "an htmx feature that needs eval": re.compile(r"\shx-on|hx-vals=[\"']js:|hx-vars"),
}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_holds_nothing_that_the_content_security_policy_forbids(template: Path) -> None:
    source = template.read_text()

    assert [name for name, pattern in FORBIDDEN.items() if pattern.search(source)] == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_tells_its_errors_once(template: Path) -> None:
    """The summary stands in base.html above the heading; a page may only put another one into its place."""
    content = re.sub(r"{% block problems %}.*?{% endblock %}", "", template.read_text(), flags=re.DOTALL)

    assert template.name == "base.html" or "components/error_summary.html" not in content


def test_the_code_never_marks_text_as_safe() -> None:
    sources = [
        path
        for app in ("portal", "accounts", "devices", "requests", "audit")
        for path in (ROOT / app).rglob("*.py")
    ]

    assert [path for path in sources if "mark_safe" in path.read_text()] == []


@pytest.mark.parametrize("page", ["400", "403", "403_csrf", "404", "405", "409", "429", "500", "503"])
def test_an_error_page_needs_no_database_no_session_and_no_person(page: str) -> None:
    content = render_to_string(f"{page}.html", {"error_number": "ABCD-2345"})

    assert "ABCD-2345" in content
    assert content.count("<h1>") == 1


def test_a_database_that_does_not_answer_is_a_503_and_another_fault_a_500() -> None:
    request = RequestFactory().post("/")

    answers = []
    for error in (OperationalError("gone"), ValueError("bug")):
        try:
            raise error
        except Exception:
            answers.append(views.server_error(request))

    assert [answer.status_code for answer in answers] == [503, 500]
    assert answers[0]["Retry-After"] == "30"
    assert "F5" in answers[0].content.decode()  # what was sent is not lost


def test_the_reason_of_a_refusal_is_shown() -> None:
    response = views.forbidden(RequestFactory().get("/"), PermissionError("理由です。"))

    assert "理由です。" in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("slug", ["", *(f"{name}/" for name in views.HELP_PAGES)])
def test_help_is_there_for_everybody_also_before_the_login(slug: str) -> None:
    assert Client().get(f"/help/{slug}").status_code == 200
    assert roles.client_for().get(f"/help/{slug}").status_code == 200


@pytest.mark.django_db
def test_unknown_help_is_not_found() -> None:
    assert Client().get("/help/nobody/").status_code == 404


@pytest.mark.django_db
def test_staying_logged_in_is_a_post_of_somebody_who_is() -> None:
    client = roles.client_for()

    assert client.post("/session/extend/").status_code == 204
    assert client.get("/session/extend/").status_code == 405
    assert Client().post("/session/extend/").status_code == 302


@pytest.mark.django_db
def test_the_frame_names_the_person_and_marks_the_page() -> None:
    client: Any = roles.client_for("APPLICANT")

    page = client.get("/").content.decode()

    assert client.user.display_name in page
    assert page.count('aria-current="page"') == 2  # wide and narrow menu
    assert 'class="skip" href="#main"' in page
    assert f'data-session-extend="{reverse("session_extend")}"' in page


@pytest.mark.django_db
def test_a_page_of_the_same_name_in_another_room_is_not_marked_in_the_menu() -> None:
    page = roles.client_for("APPROVER").get(reverse("embedded:inbox")).content.decode()

    assert 'href="/applications/inbox/">' in page
    assert not re.search(r'href="/applications/inbox/" aria-current', page)


@pytest.mark.django_db
def test_a_menu_is_drawn_anew_for_another_page_person_count_and_language(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    approver: Any = roles.client_for("APPROVER")

    def menu(client: Client, address: str = "/") -> str:
        return client.get(address).content.decode().partition('<nav class="l-nav"')[2].partition("</nav>")[0]

    menus = [menu(approver), menu(approver, "/applications/"), menu(roles.client_for("APPLICANT"))]
    assert menu(approver) == menus[0]
    counts = replace(context.work_counts(approver.user, timezone.now()), inbox=7)
    monkeypatch.setattr(context, "work_counts", lambda user, now: counts)
    menus.append(menu(approver))
    type(approver.user).objects.update(language="en")
    menus.append(menu(approver))

    assert ">7<" in menus[3]
    assert "To be decided" in menus[4]
    assert len(set(menus)) == 5


def test_every_entry_of_the_menu_leads_somewhere() -> None:
    entries = [entry for _, group in MENU for entry in group] + list(PERSONAL)

    assert [reverse(entry.url_name) for entry in entries]


@pytest.mark.django_db
def test_readiness_answers_everybody_and_tells_of_a_missing_database(monkeypatch: pytest.MonkeyPatch) -> None:
    ready = Client().get("/health/")
    monkeypatch.setattr(views, "connection", _Gone())

    away = Client().get("/health/")

    assert (ready.status_code, ready.json()) == (200, {"status": "ok"})
    assert (away.status_code, away.json()) == (503, {"status": "database"})


class _Gone:
    """A connection whose server is away."""

    def cursor(self) -> Any:
        raise OperationalError("gone")
