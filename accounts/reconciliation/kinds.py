"""What reconciliation adds to the engine: the paper of an adoption, and the step that restores an account."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from accounts import checks, forms, planning
from accounts.payloads import RegisterAccount
from accounts.reconciliation import restoring, telling
from accounts.reconciliation.adopting import ADOPT
from portal.fulfilment import registry
from portal.orgs.permissions import Role
from portal.workflow import kinds
from portal.workflow.kinds import ApplicationKind, StageSpec

ADOPT_KIND: ApplicationKind[RegisterAccount] = ApplicationKind(
    code=ADOPT,
    label=_("Windows user account: adoption from Active Directory"),
    description=_("An account that was found in Active Directory is taken into the register by operations."),
    number_prefix="N",
    services=(8,),
    icon="account",
    payload_class=RegisterAccount,
    form_class=forms.RegisterForm,
    default_route=(
        StageSpec(label=gettext_noop("Acceptance"), role=Role.OPERATOR, decided_in=kinds.OPERATIONS),
    ),
    subject_key=lambda payload: payload.login_name.lower(),
    subject=lambda payload: f"{payload.display_name}（{payload.login_name}）",
    plan=planning.plan_register,
    check=checks.check_register,
    reservation_key=checks.reservation_of,
    search_terms=lambda payload: (payload.display_name, payload.kana, payload.login_name, payload.department),
    line_template="accounts/line_adopt.html",
    targets=(),
    payload_version=2,
    organisation_kinds=frozenset(),  # nobody applies for it: it is the paper of an answered finding
)


def register_all() -> None:
    """After the kinds of accounts: each of their lines may have to be restored one day."""
    kinds.register(ADOPT_KIND)
    registry.name_step(restoring.RESTORE_STEP, restoring.STEP_LABEL)
    handler = restoring.RestoreStateHandler()
    for kind in kinds.all_kinds():
        if kind.code.startswith("accounts."):
            registry.register_handler(kind.code, restoring.TARGET, handler, step=restoring.RESTORE_STEP)
    registry.on_settled(restoring.operations_settled)
    telling.provide_links()
