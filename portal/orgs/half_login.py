"""Between the right initial password and the session: the person has to choose a password of their own first (ACC-10).

The session of the browser holds a signed, short-lived note of who that is, and nothing else. The initial password is not
kept; it is typed again on the page that changes it.
"""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.core import signing
from django.http import HttpRequest, HttpResponse

from portal.orgs.models import User

SECONDS = 10 * 60
_KEY = "initial_password"
_SALT = "portal.orgs.half_login"


def begin(request: HttpRequest, user: User, *, redirect_url: str = "") -> None:
    """Remember who has to choose a password, and where they wanted to go."""
    request.session[_KEY] = signing.dumps({"user": user.pk, "next": redirect_url}, salt=_SALT)


def person(request: HttpRequest) -> User | None:
    """Who is choosing a password in this browser; None when nobody is, or it took too long."""
    note = _note(request)
    return User.objects.filter(pk=note.get("user", 0), is_active=True).select_related("organisation").first()


def finish(request: HttpRequest, user: User) -> HttpResponse:
    """The password is changed: go on with the login, through the second factor where there is one."""
    redirect_url = _note(request).get("next") or None
    request.session.pop(_KEY, None)
    user.backend = "portal.orgs.backends.DirectoryBackend"  # type: ignore[attr-defined]
    record_authentication(request, user, method="password", username=user.login_name)
    return perform_login(request, Login(user=user, redirect_url=redirect_url))


def _note(request: HttpRequest) -> dict[str, Any]:
    try:
        return dict(signing.loads(request.session.get(_KEY, ""), salt=_SALT, max_age=SECONDS))
    except signing.BadSignature:
        return {}
