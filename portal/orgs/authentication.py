"""Authentication of the REST interface."""

from rest_framework.authentication import SessionAuthentication


class PersonSessionAuthentication(SessionAuthentication):
    """The browser session."""


class TokenAuthentication(SessionAuthentication):
    """Placeholder."""
