"""What both handlers share: reading the work, judging the directory's errors, mailing the initial password (ACC-08, ACC-10).

A password exists in local variables of one attempt only: drawn right before the write, mailed after the reading back,
forgotten. When a step after the write fails, the next attempt draws a new one and sets it only while the person has not
chosen their own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from accounts import recipients
from accounts.administrators import separation
from accounts.delivery import codes, modes
from accounts.delivery.models import DeliveryMode, InitialPassword
from accounts.passwords import generate_initial_password
from portal.common.time import today
from portal.fulfilment import controllers
from portal.fulfilment.errors import LeaseLost
from portal.fulfilment.models import Operation, OperationStatus
from portal.fulfilment.registry import NeedsPerson, NotKnown, Outcome, Run, TryLater
from portal.gateways import clock, directory_factory
from portal.gateways.directory import (
    AccessDenied,
    ContainerMissing,
    Directory,
    DirectoryEntry,
    DirectoryError,
    DirectoryUnavailable,
    InvalidValue,
    NameTaken,
    NotFound,
    OutcomeUnknown,
    PolicyRefused,
    Privileged,
)
from portal.notices import secrets
from portal.notices.models import Notice
from portal.orgs.models import Organisation, PasswordRecipient, User
from portal.workflow import kinds

_DRAWS = 3  # each longer than the one before: AD may have a stricter policy, also for single accounts (PSO)

# Codes with which an operation stops until operations choose another recipient.
NAME_TAKEN = "name_taken"  # a register operation stops with it until operations choose another login name
RECIPIENT_UNUSABLE, RECIPIENT_REFUSED = "recipient", "recipient_refused"
MAIL_UNAVAILABLE = "mail_unavailable"  # tried again by itself; may be the address all the same
UNDELIVERED = frozenset({RECIPIENT_UNUSABLE, RECIPIENT_REFUSED, MAIL_UNAVAILABLE})

MAILED: Literal["mailed"] = "mailed"
CODE_MAILED: Literal["code_mailed"] = "code_mailed"
CHOSEN_BY_PERSON: Literal["chosen_by_person"] = "chosen_by_person"


class Stop(Exception):
    """Carries an outcome out of a deep place and so ends an attempt."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


@dataclass(frozen=True)
class Work:
    """One operation as a handler needs it."""

    run: Run
    payload: Any
    organisation: Organisation
    directory: Directory

    @property
    def operation(self) -> Operation:
        return self.run.operation

    @property
    def progress(self) -> dict[str, Any]:
        """What earlier attempts made certain."""
        return self.run.operation.progress


def work_of(run: Run) -> Work:
    """A claimed operation as the handlers need it."""
    operation = run.operation
    return Work(
        run=run,
        payload=payload_of(operation),
        organisation=operation.organisation,
        directory=directory_factory.get_directory(),
    )


def payload_of(operation: Operation) -> Any:
    """The payload of the operation's line, brought up to the current version.

    With the login name that operations chose since, when the one applied for was taken (accounts.naming.correcting).
    """
    payload = kinds.get(operation.kind).load(operation.line.payload, operation.line.payload_version)
    if name := operation.progress.get("login_name"):
        payload = replace(payload, login_name=name)
    return payload


def carry_out(act: Callable[[], Outcome]) -> Outcome:
    """Run an attempt; every error of the directory becomes an outcome. LeaseLost passes through."""
    try:
        return act()
    except Stop as stop:
        return stop.outcome
    except DirectoryError as error:
        return outcome_of(error)


def outcome_of(error: DirectoryError) -> Outcome:
    """What an error of the directory means for the operation. Unknown ones go to a person."""
    if isinstance(error, DirectoryUnavailable):
        text = _("Active Directory cannot be reached. The portal goes on by itself when it is back.")
        return TryLater(code=error.code or "unavailable", message=text, target_down=True)
    if isinstance(error, OutcomeUnknown):
        text = _("No answer came from Active Directory. The portal looks whether the change is there.")
        return NotKnown(code=error.code or "no_answer", message=text)
    code, text = _for_a_person(error)
    return NeedsPerson(code=code, message=text)


def _for_a_person(error: DirectoryError) -> tuple[str, str]:
    detail = {"code": error.code, "detail": error.message}
    if isinstance(error, NameTaken):
        return NAME_TAKEN, _(
            "Another object in Active Directory has this login name. Choose another one: a free one is proposed."
        )
    if isinstance(error, ContainerMissing):
        return "container_missing", _("The container %(dn)s does not exist. Make it, then retry.") % {
            "dn": error.dn
        }
    if isinstance(error, AccessDenied):
        return "access_denied", _(
            "The portal's service account lacks the right for this container. Grant it, then retry."
        )
    if isinstance(error, InvalidValue):
        return "invalid_value", _("Active Directory refuses a value: %(detail)s (%(code)s).") % detail
    if isinstance(error, Privileged):
        return "privileged", _("The account belongs to a protected group. The portal may not touch it.")
    if isinstance(error, NotFound):
        return "account_missing", _("The account does not exist in Active Directory any more.")
    if isinstance(error, PolicyRefused):
        return "password_policy", _(
            "Active Directory refuses the initial passwords that the portal draws. Check the password policy of the container."
        )
    return "directory_error", _("Active Directory refused the change: %(detail)s (%(code)s).") % detail


def require_recipient(work: Work) -> PasswordRecipient:
    """The person who gets the initial password: the one on the application, or whom operations chose since (ACC-08).

    Raises Stop when the person may not receive one any more, or turned out to be the applicant of an administrator
    account or whoever chose them (ORG-04): between approval and writing, people have addresses changed.
    """
    chosen = work.progress.get("recipient_id", work.payload.recipient_id)
    recipient = recipients.find_usable(work.organisation, chosen)
    if recipient is None and recipients.is_outdated(work.organisation, chosen):
        raise Stop(NeedsPerson(code=RECIPIENT_UNUSABLE, message=recipients.outdated()))
    if recipient is None or recipients.is_shared(recipient.email):
        text = _(
            "The recipient of the initial password cannot be used any more. Choose another recipient, then retry."
        )
        raise Stop(NeedsPerson(code=RECIPIENT_UNUSABLE, message=text))
    if problem := _kept_from(work).problem(recipient):
        raise Stop(NeedsPerson(code=RECIPIENT_UNUSABLE, message=problem))
    return recipient


def _kept_from(work: Work) -> separation.Kept:
    chooser_id = work.progress.get("recipient_by")
    chooser = User.objects.get(pk=chooser_id) if chooser_id else None
    return separation.kept_from(work.operation.line.application, work.payload, chooser=chooser)


def set_password(
    work: Work, recipient: PasswordRecipient, login_name: str, write: Callable[[str], None]
) -> str:
    """Draw a password, make sure that the operation is still ours, write it. Returns it for mailing only (ACC-10)."""
    avoid = (work.organisation.code, recipient.email.partition("@")[0])
    for draw in range(1, _DRAWS + 1):
        password = generate_initial_password(login_name=login_name, avoid=avoid, draw=draw)
        work.run.still_mine()
        try:
            write(password)
        except PolicyRefused:
            if draw == _DRAWS:
                raise
        else:
            return password
    raise AssertionError("unreachable")


def note_controller(work: Work) -> None:
    """Note before an account is added which domain controller is asked, where there are several."""
    controllers.note_controller(work.run, work.directory)


def require_same_controller(work: Work) -> None:
    """What another domain controller does not hold is not absent until it has heard of everything. Raises Stop."""
    if (waits := controllers.other_controller(work.run, work.directory)) is not None:
        raise Stop(waits)


def mail_password(work: Work, recipient: PasswordRecipient, password: str, entry: DirectoryEntry) -> None:
    """Hand the password, or the code to pick one up, to the mail server and note that it was done. Raises Stop; nothing of it is stored (ACC-10).

    Another worker whose lease ran out may have set another password meanwhile. Then this mail is void and the next
    attempt draws again, so that the last password mailed is the one that works.
    """
    operation = work.operation
    pickup = modes.is_pickup(work.organisation)
    if pickup and (problem := modes.cannot_pick_up(recipient)):
        raise Stop(NeedsPerson(code=RECIPIENT_UNUSABLE, message=problem))
    try:
        work.run.still_mine()
    except LeaseLost:
        _mail_after_all(work, recipient, password, pickup=pickup)
        raise
    try:
        notice = _mail_code(work, recipient, entry) if pickup else _mail(work, recipient, password)
    except secrets.MailUnavailable:
        text = _(
            "The mail server does not take the initial password now. A new one is drawn and mailed later."
        )
        raise Stop(TryLater(code=MAIL_UNAVAILABLE, message=text)) from None
    except secrets.AddressRefused as error:
        text = _(
            "The mail server refuses the recipient's address (%(code)s). Choose another recipient, then retry."
        )
        raise Stop(NeedsPerson(code=RECIPIENT_REFUSED, message=text % {"code": error.code})) from None
    if operation.fence > 1 and _was_set_again(work.directory, entry):
        text = _("Another password was set while this one was mailed. A new one is drawn and mailed.")
        raise Stop(TryLater(code="password_replaced", message=text))
    mode = DeliveryMode.PICKUP if pickup else DeliveryMode.MAIL
    codes.write(operation, entry, recipient, mode, clock.now(), delivered_at=clock.now())
    work.run.checkpoint(
        password=CODE_MAILED if pickup else MAILED,
        mailed_at=clock.now().isoformat(),
        notice=notice.pk,
        recipient_id=recipient.pk,
    )


def _mail_after_all(work: Work, recipient: PasswordRecipient, password: str, *, pickup: bool) -> None:
    """A worker that slept within its write has replaced the password that another one mailed: the last one written is mailed too."""
    done = Operation.system.filter(pk=work.operation.pk, status=OperationStatus.DONE).exists()
    if done and not pickup:
        with contextlib.suppress(secrets.MailUnavailable, secrets.AddressRefused):
            _mail(work, recipient, password)


def _mail(work: Work, recipient: PasswordRecipient, password: str) -> Notice:
    return secrets.deliver_initial_password(
        to_address=recipient.email, password=password, now=clock.now(), **_named(work)
    )


def _mail_code(work: Work, recipient: PasswordRecipient, entry: DirectoryEntry) -> Notice:
    """The password that was set is forgotten; the recipient draws one with the code that is mailed here."""
    code = codes.draw_code(work.operation, entry, recipient, clock.now())
    last_day = today(clock.now() + timedelta(days=int(settings.PICKUP_CODE_DAYS)))
    return secrets.deliver_pickup_code(
        to_address=recipient.email,
        code=codes.show(code),
        ends_on=last_day.isoformat(),
        now=clock.now(),
        **_named(work),
    )


def _named(work: Work) -> dict[str, Any]:
    operation = work.operation
    return {
        "organisation": operation.organisation,
        "application_number": operation.application_number,
        "subject_hint": operation.line.position + 1,
    }


def _was_set_again(directory: Directory, entry: DirectoryEntry) -> bool:
    found = directory.find_by_guid(entry.guid)
    return found is not None and found.must_change_password and found.usn_changed != entry.usn_changed


def note_chosen(work: Work) -> None:
    """Note that the person has a password of their own already, so that no mail is needed (never replaced)."""
    InitialPassword.system.filter(operation=work.operation, used_at=None).update(used_at=clock.now())
    work.run.checkpoint(password=CHOSEN_BY_PERSON)


def note_by_hand(work: Work, entry: DirectoryEntry) -> None:
    """Whoever did it by hand handed the password over as well; it is watched like any other."""
    if not entry.must_change_password or InitialPassword.system.filter(operation=work.operation).exists():
        return
    now = clock.now()
    codes.write(work.operation, entry, None, DeliveryMode.BY_HAND, now, delivered_at=now)


def require_entry(directory: Directory, guid: UUID) -> DirectoryEntry:
    """The account as it stands now. Raises NotFound."""
    entry = directory.find_by_guid(guid)
    if entry is None:
        raise NotFound(f"no account with GUID {guid}")
    return entry


def evidence_of(entry: DirectoryEntry, progress: dict[str, Any]) -> dict[str, Any]:
    """What was read back, for the history; never a secret."""
    return {
        "object_guid": str(entry.guid),
        "distinguished_name": entry.dn,
        "login_name": entry.login_name,
        "must_change_password": entry.must_change_password,
        "initial_password": progress.get("password", "by_hand"),
        "notice": progress.get("notice"),
    }
