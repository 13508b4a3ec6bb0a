"""Authentication of the REST interface: a personal token, or the session of the browser.

What a token may do is decided here and nowhere else, before any endpoint runs.
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from portal.orgs import factors, tokens
from portal.orgs.models import ApiToken, TokenScope, User

_LONGEST = 200
_READING = frozenset({"GET", "HEAD"})


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token kp_…`. The token carries the person's rights of today, cut down to its scope."""

    keyword = b"token"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Person and token; None when the header names none. Raises AuthenticationFailed (401) for a bad one, PermissionDenied (403)
        where its scope does not reach."""
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != self.keyword:
            return None
        if len(parts) != 2 or len(parts[1]) > _LONGEST:
            raise AuthenticationFailed(_("The token is not valid."))
        now = timezone.now()
        token = tokens.find_token(parts[1].decode("ascii", "replace"), now)
        if token is None or _lacks_factor(token):
            raise AuthenticationFailed(_("The token is not valid."))
        tokens.note_use(token, now)
        if not _reaches(token, request):
            raise PermissionDenied(_("This token was made for less. Make one with the scope that you need."))
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Token"


class PersonSessionAuthentication(SessionAuthentication):
    """The browser session, with CSRF protection. Who still lacks a required second factor is refused (403)."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        found = super().authenticate(request)
        if found is not None and factors.is_missing(found[0]):
            raise PermissionDenied(_("Register a second factor in the portal first."))
        return found


def _reaches(token: ApiToken, request: Request) -> bool:
    """Whether the scope of the token covers this request; what is not said to be covered is not."""
    if token.scope == TokenScope.EVERYTHING:
        return True
    if request.method not in _READING:
        return False
    if token.scope == TokenScope.READ:
        return True
    view = (request.parser_context or {}).get("view")
    return token.scope == TokenScope.WHITELIST and getattr(view, "is_for_guards", False)


def _lacks_factor(token: ApiToken) -> bool:
    """Whether today's roles need a second factor that the person has not, or had not proven when making the token."""
    if not factors.is_required(token.user):
        return False
    return not token.second_factor or not factors.count(token.user)
