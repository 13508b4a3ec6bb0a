"""Nobody comes by a second voice or by more rights through an application of their own (ORG-04).

The initial password of an account that decides is a way to log in as that person, so it may not lead to the applicant.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts import recipients, together
from accounts.administrators.payloads import ChangeAdministrator, RegisterAdministrator
from accounts.models import DirectoryAccount
from accounts.payloads import ResetPassword
from portal.orgs.models import PasswordRecipient, User
from portal.orgs.permissions import DECIDE
from portal.orgs.recipients import Marks, marks_of
from portal.workflow import plans
from portal.workflow.kinds import LineContext
from portal.workflow.models import Application
from portal.workflow.plans import Check

ADMINISTRATORS = "administrators"  # in LineContext.shared


def administrators(guids: Collection[str]) -> dict[str, bool]:
    """Which of these accounts belong to a person of the portal, or were registered for one (ACC-01)."""
    known = User.objects.filter(directory_guid__in=guids, is_break_glass=False)
    registered = DirectoryAccount.system.filter(
        account_type=DirectoryAccount.AccountType.ADMINISTRATOR, object_guid__in=guids
    )
    found = [
        *known.values_list("directory_guid", flat=True),
        *registered.values_list("object_guid", flat=True),
    ]
    return {str(guid): True for guid in found}


def is_administrator(context: LineContext, guid: UUID) -> bool:
    """Whether an account is one with which somebody applies or decides here."""
    return bool(together.look_up(context.shared, ADMINISTRATORS, str(guid), administrators))


def applicant_of(context: LineContext) -> User | None:
    """Who applies: also while somebody else looks at the application."""
    return context.application.applicant if context.application else context.actor


def applicant_receives(context: LineContext, recipient_id: int) -> bool:
    """Whether the applicant would get the initial password."""
    applicant = applicant_of(context)
    recipient, _shared = recipients.judged(context.organisation, recipient_id)
    if recipient is None or applicant is None:
        return False
    marks = recipients.once(context.organisation, f"marks of {applicant.pk}", lambda: marks_of(applicant))
    return marks.fit(recipient)


def not_the_applicant() -> str:
    """What the form says then."""
    return _(
        "The initial password of an administrator account cannot go to the applicant. Choose another recipient."
    )


def not_the_chooser() -> str:
    """Nobody alone leads a password to themself (ORG-04)."""
    return _("Nobody chooses themself as the recipient of an initial password. Choose another recipient.")


@dataclass(frozen=True)
class Kept:
    """Whom the initial password of one line must not reach."""

    applicant: Marks | None  # of an account that decides or applies; None for any other
    chooser: Marks | None  # of operations, when the approved recipient was replaced

    def problem(self, recipient: PasswordRecipient) -> str:
        """Why it does not go to this recipient; "" when it may."""
        if self.applicant is not None and self.applicant.fit(recipient):
            return not_the_applicant()
        return not_the_chooser() if self.chooser is not None and self.chooser.fit(recipient) else ""


def kept_from(application: Application, payload: Any, chooser: User | None = None) -> Kept:
    """Whom the initial password of this line must not reach, read now: after the approval people and addresses change."""
    return Kept(
        applicant=marks_of(application.applicant) if opens_administrator(payload) else None,
        chooser=marks_of(chooser) if chooser is not None else None,
    )


def opens_administrator(payload: Any) -> bool:
    """Whether the initial password of this line opens an account with which somebody applies or decides here."""
    if isinstance(payload, ResetPassword):
        return bool(administrators([str(payload.guid)]))
    return isinstance(payload, RegisterAdministrator)


def is_own(context: LineContext, account: DirectoryAccount) -> bool:
    """Whether the applicant applies about themself."""
    applicant = applicant_of(context)
    return applicant is not None and applicant.directory_guid == account.object_guid


def not_own_roles() -> str:
    """Nobody applies for roles of their own, more or fewer."""
    return _("You cannot apply for a change of your own roles. A colleague with the applicant role does it.")


def not_oneself() -> str:
    """Nobody applies for the deletion of their own account."""
    return _(
        "You cannot apply for the deletion of your own account. A colleague with the applicant role does it."
    )


def own_check() -> Check:
    """The same for the plan, which is looked at again when it is decided."""
    return Check(
        code="own_account",
        level=plans.BLOCKED,
        text=gettext_noop("The applicant applies about themself."),
        values={},
    )


def concerned(payloads: Sequence[ChangeAdministrator]) -> Collection[int]:
    """The people whose roles these changes speak of: they do not decide about them."""
    guids = [payload.guid for payload in payloads if payload.roles and payload.roles != payload.roles_before]
    return User.objects.filter(directory_guid__in=guids).values_list("pk", flat=True)


def recipient_checks(context: LineContext, recipient_id: int) -> Iterator[Check]:
    """What the plan says about the recipient of an administrator account's initial password."""
    if applicant_receives(context, recipient_id):
        yield Check(
            code="applicant_gets_in",
            level=plans.BLOCKED,
            text=gettext_noop("The initial password of an administrator account would go to the applicant."),
            values={},
        )
    elif deciders := _deciders_with_address(context, recipient_id):
        yield Check(
            code="decider_gets_in",
            level=plans.WARNING,
            text=gettext_noop("%(names)s receives the initial password and decides applications as well."),
            values={"names": "、".join(deciders)},
        )


def _deciders_with_address(context: LineContext, recipient_id: int) -> Sequence[str]:
    recipient, _shared = recipients.judged(context.organisation, recipient_id)
    if recipient is None:
        return []

    def read() -> list[str]:
        held = context.organisation.memberships.valid_on(context.today).filter(role__in=DECIDE.roles)  # type: ignore[attr-defined]
        people = User.objects.filter(email__iexact=recipient.email, is_active=True)
        return [person.display_name for person in people.filter(pk__in=held.values("user_id"))]

    return recipients.once(context.organisation, f"deciders with the address of {recipient_id}", read)
