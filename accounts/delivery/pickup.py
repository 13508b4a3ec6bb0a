"""Picking up an initial password: the code is entered, the password drawn, written, read back and shown once (ACC-08, ACC-10).

Each draw replaces the one before, so the last one shown is the one that works. A page may draw once: a second click, a
reload and a second window are refused until the page was opened again, and only one window draws at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from accounts import provisioning, recipients
from accounts.administrators import separation
from accounts.attributes import lies_below, organisation_ou
from accounts.delivery import codes, modes
from accounts.delivery.models import DeliveryMode, InitialPassword
from accounts.passwords import generate_initial_password
from portal.common.text import ascii_identifier
from portal.fulfilment.models import OperationStatus
from portal.gateways import directory_factory
from portal.gateways.directory import (
    ChangedMeanwhile,
    Directory,
    DirectoryEntry,
    DirectoryError,
    OutcomeUnknown,
    PolicyRefused,
)
from portal.orgs.models import User
from portal.trail import services as trail

_DRAWS = 3
_WINDOW = timedelta(seconds=60)  # longer than all timeouts of the directory together


class PickupRefused(Exception):
    """Nothing is shown. `reason` is a translated sentence, `status` the HTTP status that fits."""

    def __init__(self, reason: str, status: int = 409) -> None:
        super().__init__(reason)
        self.reason, self.status = reason, status


@dataclass(frozen=True)
class Shown:
    """A password for one answer. Never put it anywhere else; its text form does not tell it."""

    login_name: str
    password: str = field(repr=False)


def open_pickups(user: User) -> QuerySet[InitialPassword]:
    """What this person can pick up, or has picked up and could draw anew while it is unused; newest first."""
    rows = InitialPassword.objects.visible_to(user).filter(
        mode=DeliveryMode.PICKUP, organisation=user.organisation
    )
    mine = (
        rows.alias(address=Lower("recipient__email")).filter(address=user.email.lower()).exclude(address="")
    )
    return mine.filter(used_at=None, disabled_at=None).select_related(
        "recipient", "organisation", "operation"
    )


def take(*, password_id: int, code: str, draw: int, actor: User, now_fn: Callable[[], datetime]) -> Shown:
    """Draw the password and give it back for one answer. `draw` is how many were drawn when the page was made.

    Raises InitialPassword.DoesNotExist for whoever is not the recipient, and PickupRefused. After PickupRefused the code
    works on, unless it says otherwise. No transaction may be open: the directory is written to.
    """
    row = _admit(password_id, code, draw, actor, now_fn())
    try:
        shown = _draw(row, now_fn)
    except DirectoryError as error:
        _give_back(row)
        raise PickupRefused(_failed(error), 503) from error
    except PickupRefused:
        _give_back(row)
        raise
    _settle(row, actor, now_fn())
    return shown


def _admit(password_id: int, code: str, draw: int, actor: User, now: datetime) -> InitialPassword:
    """Judge person and code under the lock, and take the only place at the pen. A wrong code is counted."""
    refusal = None
    with transaction.atomic():
        row = open_pickups(actor).select_for_update(of=("self",), no_key=True).get(pk=password_id)
        person = modes.person_of(row.recipient) if row.recipient else None
        if person is None or person.pk != actor.pk:
            raise InitialPassword.DoesNotExist
        refusal = _refusal(row, code, draw, now)
        if refusal is None:
            row.draws += 1
            row.drawing_until = now + _WINDOW
        row.save(update_fields=["draws", "drawing_until", "wrong_codes"])
    if refusal is not None:
        raise refusal
    return row


def _refusal(row: InitialPassword, code: str, draw: int, now: datetime) -> PickupRefused | None:
    if row.operation.status != OperationStatus.DONE or row.delivered_at is None:
        return PickupRefused(_("The account is still being set up. Try again in a few minutes."))
    if row.recipient is None or not row.recipient.is_usable:
        return PickupRefused(recipients.outdated())
    kept = separation.kept_from(row.operation.line.application, provisioning.payload_of(row.operation))
    if kept.problem(row.recipient):  # the applicant has come by the recipient's address since (ORG-04)
        return PickupRefused(
            _(
                "The initial password of an administrator account is not shown to the applicant. Have a password reset applied for with another recipient."
            )
        )
    if row.code_ends_at is None or row.code_ends_at <= now:
        return PickupRefused(
            _("The code is no longer valid. Have a password reset applied for: it brings a new code.")
        )
    limit = int(settings.PICKUP_CODE_ATTEMPTS)
    if row.wrong_codes >= limit:
        return PickupRefused(
            _(
                "The code was entered wrongly too often and is void. Have a password reset applied for: it brings a new code."
            )
        )
    if not codes.matches(row, ascii_identifier(code).replace("-", "").upper()):
        row.wrong_codes += 1
        left = limit - row.wrong_codes
        return PickupRefused(
            _("The code is not right. Compare it with the mail (%(left)s more tries).") % {"left": left}, 422
        )
    if row.drawing_until is not None and row.drawing_until > now:
        return PickupRefused(
            _("The password is being drawn in another window. Wait a minute and open this page again.")
        )
    if draw != row.draws:
        return PickupRefused(
            _(
                "A password was drawn from this page already. If you did not see it, open this page again and enter the code once more: a new one is drawn, and only the last one works."
            )
        )
    return None


def _draw(row: InitialPassword, now_fn: Callable[[], datetime]) -> Shown:
    directory = directory_factory.get_directory()
    entry = _require_unused(row, directory.find_by_guid(row.account_guid), now_fn())
    avoid = (row.organisation.code, row.recipient.email.partition("@")[0] if row.recipient else "")
    for attempt in range(1, _DRAWS + 1):
        password = generate_initial_password(login_name=entry.login_name, avoid=avoid, draw=attempt)
        if not _still_mine(row, now_fn()):
            raise PickupRefused(_late())
        try:
            directory.replace_initial_password(entry.guid, new_password=password)
        except ChangedMeanwhile:
            raise _in_use(row, now_fn()) from None
        except PolicyRefused:
            if attempt == _DRAWS:
                raise
        else:
            _read_back(directory, row, now_fn)
            return Shown(entry.login_name, password)
    raise AssertionError("unreachable")


def _require_unused(row: InitialPassword, entry: DirectoryEntry | None, now: datetime) -> DirectoryEntry:
    if entry is None or not lies_below(entry.dn, organisation_ou(row.organisation)):
        raise PickupRefused(_("The account does not exist any more. Ask whoever applied for it."))
    if not entry.must_change_password:
        raise _in_use(row, now)
    if not entry.enabled:
        raise PickupRefused(_("The account is disabled. Ask whoever applied for it."))
    return entry


def _in_use(row: InitialPassword, now: datetime) -> PickupRefused:
    """利用開始済: the person has a password of their own, which is never replaced."""
    InitialPassword.system.filter(pk=row.pk).update(used_at=now, drawing_until=None)
    return PickupRefused(
        _("The person uses the account already with a password of their own. Nothing was changed.")
    )


def _read_back(directory: Directory, row: InitialPassword, now_fn: Callable[[], datetime]) -> None:
    entry: DirectoryEntry | None = directory.find_by_guid(row.account_guid)
    if entry is None or not entry.must_change_password:
        raise OutcomeUnknown("the new password was not read back", code="not_read_back")
    if not _still_mine(row, now_fn()):
        raise PickupRefused(_late())


def _still_mine(row: InitialPassword, now: datetime) -> bool:
    return InitialPassword.system.filter(pk=row.pk, draws=row.draws, drawing_until__gt=now).exists()


def _late() -> str:
    return _(
        "This took too long, so the password is not shown. Open this page again and enter the code once more: a new one is drawn, and only the last one works."
    )


def _failed(error: DirectoryError) -> str:
    if isinstance(error, PolicyRefused):
        return _(
            "Active Directory refuses the passwords that the portal draws. Tell network operations. The code stays valid."
        )
    return _(
        "Active Directory did not answer, so no password can be shown. Open this page again and enter the code once more: a new one is drawn. The code stays valid."
    )


def _give_back(row: InitialPassword) -> None:
    InitialPassword.system.filter(pk=row.pk, draws=row.draws).update(drawing_until=None)


@transaction.atomic
def _settle(row: InitialPassword, actor: User, now: datetime) -> None:
    """Note that it was shown; refused when somebody else has drawn since, so that only the last one is shown."""
    mine = InitialPassword.system.filter(pk=row.pk, draws=row.draws, drawing_until__gt=now)
    if not mine.update(taken_at=now, drawing_until=None):
        raise PickupRefused(_late())
    trail.record(
        action="password.picked_up",
        now=now,
        actor=actor,
        object_type="accounts.initialpassword",
        object_id=row.pk,
        object_label=row.application_number,
        object_organisation_id=row.organisation_id,
        detail={"draw": row.draws, "login_name": row.login_name},
    )
