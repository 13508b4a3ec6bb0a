"""What can go wrong with people, roles and tokens, in words for the screen."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

SECOND_FACTOR_FIRST = _("Log in with your second factor before you make a token.")
TOKEN_DAYS = _("Enter 1 to %(days)s days.")
TOKEN_MANY = _("You have %(count)s tokens already. Revoke one that you no longer need.")


class OrgsError(Exception):
    """Base of the errors that the services of this room raise."""


class NotAllowed(OrgsError):
    """The person may not do this (403). `reason` is a translated sentence."""

    def __init__(self, reason: Any) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Refused(OrgsError):
    """The values cannot be taken (422). `field` names the one to correct, "" for all of them."""

    def __init__(self, field: str, message: Any) -> None:
        super().__init__(str(message))
        self.field, self.message = field, message


class DirectoryOutOfReach(OrgsError):
    """The directory could not be asked (503): nothing was changed, try again later."""


class ChangedMeanwhile(OrgsError):
    """The roles are no longer what the caller had read (409): nothing was changed."""


class LastOne(OrgsError):
    """Nobody else holds a role without which the organisation stands still (422). `role` names it."""

    def __init__(self, role: str) -> None:
        super().__init__(role)
        self.role = role
