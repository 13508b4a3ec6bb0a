"""What the errors of Active Directory mean for an operation about password settings."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

from portal.fulfilment.registry import NeedsPerson, NotKnown, Outcome, TryLater
from portal.gateways.directory import (
    AccessDenied,
    ChangedMeanwhile,
    DirectoryError,
    DirectoryUnavailable,
    InvalidValue,
    NameTaken,
    NotFound,
    OutcomeUnknown,
    Privileged,
)
from portal.gateways.directory_policies import SettingsReason
from requests.password_settings import checks


class Stop(Exception):
    """Carries an outcome out of a deep place and so ends an attempt."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


def person(code: str, message: str) -> Stop:
    """A person has to decide."""
    return Stop(NeedsPerson(code=code, message=message))


def carry_out(act: Callable[[], Outcome]) -> Outcome:
    """Run an attempt; every error of the directory becomes an outcome. LeaseLost passes through."""
    try:
        return act()
    except Stop as stop:
        return stop.outcome
    except DirectoryUnavailable as error:
        text = _("Active Directory cannot be reached. The portal goes on by itself when it is back.")
        return TryLater(code=error.code or "unavailable", message=text, target_down=True)
    except OutcomeUnknown as error:
        text = _("No answer came from Active Directory. The portal looks whether the change is there.")
        return NotKnown(code=error.code or "no_answer", message=text)
    except ChangedMeanwhile as error:
        text = _("The settings changed while they were written. The portal looks again.")
        return NotKnown(code=error.code or "changed", message=text)
    except DirectoryError as error:
        return _for_a_person(error)


def _for_a_person(error: DirectoryError) -> Outcome:
    if isinstance(error, InvalidValue) and error.code == SettingsReason.PRECEDENCE_TAKEN:
        text = _("Other settings took the precedence in this moment. The portal tries the next one.")
        return TryLater(code="precedence_taken", message=text)
    if isinstance(error, InvalidValue):
        return NeedsPerson(code=error.code or "invalid_value", message=checks.reason_text(error.code))
    if isinstance(error, NameTaken):
        text = _(
            "Active Directory has settings with this name meanwhile, which the portal did not make. Nothing was changed. Close this one and have it applied for with another name."
        )
        return NeedsPerson(code="name_taken", message=text)
    if isinstance(error, AccessDenied):
        text = _(
            "The portal's service account may not write password settings. Grant it the right on the Password Settings Container, then retry."
        )
        return NeedsPerson(code="access_denied", message=text)
    if isinstance(error, Privileged):
        text = _(
            "The settings, the group or an account is protected or does not carry the portal's mark. The portal does not touch it."
        )
        return NeedsPerson(code="privileged", message=text)
    if isinstance(error, NotFound):
        text = _("An account or the group is not in Active Directory any more. Nothing was changed.")
        return NeedsPerson(code="target_missing", message=text)
    text = _("Active Directory refused the change: %(detail)s (%(code)s).")
    return NeedsPerson(code="directory_error", message=text % {"detail": error.message, "code": error.code})
