"""The two kinds of application to unlock an account (REQ-04): vouched for by the federation, and proven by the person."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from portal.fulfilment import registry
from portal.orgs import identity
from portal.orgs.permissions import Permission, Role
from portal.workflow import kinds
from portal.workflow.kinds import ApplicationKind, StageSpec
from portal.workflow.registering import register_kinds
from portal.workflow.reports.facts import name_facts
from requests.unlock import checks, forms, locks, lookups, recording
from requests.unlock.handlers import UnlockHandler
from requests.unlock.payloads import KIND, OWN_KIND, TARGET, UnlockAccount

PURPOSE = "unlock"

_APPROVAL = StageSpec(label=gettext_noop("Approval"), role=Role.APPROVER, business_days=1)
_ACCEPTANCE = StageSpec(
    label=gettext_noop("Acceptance by network operations"),
    role=Role.OPERATOR,
    decided_in=kinds.OPERATIONS,
    business_days=1,
)


def _concerned(payloads: Sequence[UnlockAccount]) -> Collection[int]:
    """The users of the accounts do not vouch for themselves (ORG-04)."""
    return [person.pk for person in locks.owners([payload.guid for payload in payloads]).values()]


UNLOCK: ApplicationKind[UnlockAccount] = ApplicationKind(
    code=KIND,
    label=_("Account unlock"),
    description=_(
        "Accounts that were locked after wrong passwords. The approver vouches that their users asked for it."
    ),
    number_prefix="U",
    services=(7,),
    icon="key",
    payload_class=UnlockAccount,
    form_class=forms.UnlockForm,
    default_route=(_APPROVAL, _ACCEPTANCE),
    subject_key=lambda line: line.login_name.lower(),
    subject=lambda line: f"{line.display_name} {line.login_name}",
    read_ahead=lookups.read_ahead,
    prepare=lookups.prepare,
    plan=checks.plan_line,
    check=checks.check_line,
    reservation_key=checks.reservation_of,
    reservation_field="login_name",
    search_terms=lambda line: (line.login_name, line.display_name),
    line_template="requests/line_unlock.html",
    targets=(TARGET,),
    max_bulk_lines=200,
    concerned=_concerned,
)

# T 2-15 no. 3: the account's user applies to network operations. The proof stands where the approver vouches otherwise.
OWN_UNLOCK: ApplicationKind[UnlockAccount] = ApplicationKind(
    code=OWN_KIND,
    label=_("Account unlock (identity proven)"),
    description=_("The user of a locked account asks, after a mailed code and a second factor."),
    number_prefix="US",
    services=(7,),
    icon="key",
    payload_class=UnlockAccount,
    form_class=forms.UnlockForm,
    default_route=(_ACCEPTANCE,),
    subject_key=lambda line: line.login_name.lower(),
    subject=lambda line: f"{line.display_name} {line.login_name}",
    read_ahead=lookups.read_ahead,
    prepare=lookups.prepare,
    plan=checks.plan_line,
    check=checks.check_own,
    reservation_key=checks.reservation_of,
    reservation_field="login_name",
    search_terms=lambda line: (line.login_name, line.display_name),
    line_template="requests/line_unlock.html",
    targets=(TARGET,),
    max_lines=1,
    max_bulk_lines=1,
    applied_by=Permission("apply_for_own_unlock", frozenset(Role)),
    is_offered=False,
)


def register_all() -> None:
    """Register the kinds with the engine, their handler with fulfilment, and what a proof of identity is good for here."""
    handler = UnlockHandler()
    register_kinds((UNLOCK, handler), (OWN_UNLOCK, handler))
    registry.on_settled(recording.operations_settled)
    name_facts(
        locked=_("Locked"),
        read_back_at=_("Read back at"),
        locked_before=_("Locked since"),
        wrong_attempts=_("Wrong passwords"),
        last_wrong_attempt=_("Last wrong password"),
        tried_from=_("From where, at the portal"),
    )
    identity.register(
        identity.Purpose(
            code=PURPOSE,
            label=_("Account unlock"),
            intro=_(
                "For administrator accounts with a confirmed mail address and a second factor. You get a code by mail, show your second factor and apply; network operations then unlock the account."
            ),
            otherwise=_(
                "Everybody else, and for Windows accounts: ask an applicant of your organisation to apply for you."
            ),
            goes_on="unlock_apply",
        )
    )
