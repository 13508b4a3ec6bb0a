"""The kinds of application about accounts (ACC-02, ACC-03)."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from accounts import afterwards, checks, forms, life_checks, life_forms, life_planning, planning, reading
from accounts.changing import ChangeHandler
from accounts.deleting import REMOVE, DeleteHandler, RemoveHandler
from accounts.delivery import unused
from accounts.delivery.disabling import DisableUnusedHandler
from accounts.expiring import EXPIRE, ExpireHandler
from accounts.models import DirectoryAccount
from accounts.naming import filling
from accounts.payloads import (
    ChangeAccount,
    DeleteAccount,
    NamedAccount,
    RegisterAccount,
    ResetPassword,
    RestoreAccount,
    upgrade_register,
)
from accounts.provisioning import NAME_TAKEN, RECIPIENT_REFUSED, RECIPIENT_UNUSABLE
from accounts.registering import RegisterHandler
from accounts.resetting import ResetHandler
from accounts.restoring import RestoreHandler
from accounts.two_factor import register_two_factor
from portal.common.text import romaji_spellings
from portal.fulfilment.registry import Remedy, name_step, name_target, register_handler, register_remedy
from portal.gateways.two_factor import TARGET as TWO_FACTOR
from portal.gateways.two_factor import Action
from portal.orgs.permissions import FEDERATIONS, OrganisationKind, Role
from portal.workflow import kinds, registering
from portal.workflow.kinds import ApplicationKind, StageSpec

REGISTER = "accounts.register"
CHANGE = "accounts.change"
DELETE = "accounts.delete"
RESTORE = "accounts.restore"
PASSWORD_RESET = "accounts.password_reset"  # noqa: S105
TARGET = "directory"

# ACC-15: insurers and transmission clients have no organisation here and so can never apply.
_MAY_APPLY = FEDERATIONS | {
    OrganisationKind.CENTRAL,
    OrganisationKind.OPERATIONS,
    OrganisationKind.MAINTENANCE,
}

_APPROVAL = StageSpec(label=gettext_noop("Approval"), role=Role.APPROVER)
_ACCEPTANCE = StageSpec(label=gettext_noop("Acceptance"), role=Role.OPERATOR, decided_in=kinds.OPERATIONS)


def _who(payload: RegisterAccount | ChangeAccount | NamedAccount | ResetPassword) -> str:
    """Who a line is about, as lists show it; also of a draft without a name yet."""
    return f"{payload.display_name}（{payload.login_name}）" if payload.login_name else payload.display_name


def _register_terms(payload: RegisterAccount) -> Iterable[str]:
    # Names are searched with and without the space between them.
    return (
        payload.display_name,
        f"{payload.family_name}{payload.given_name}",
        payload.kana,
        f"{payload.family_kana}{payload.given_kana}",
        *romaji_spellings(payload.family_kana),
        *romaji_spellings(payload.given_kana),
        payload.login_name,
        payload.department,
        payload.staff_number,
    )


REGISTER_KIND: ApplicationKind[RegisterAccount] = ApplicationKind(
    code=REGISTER,
    label=_("Windows user account: registration"),
    description=_("A new person gets an account to log on to Windows."),
    number_prefix="A",
    services=(8,),
    icon="account",
    payload_class=RegisterAccount,
    payload_version=2,
    upgrade=upgrade_register,
    form_class=forms.RegisterForm,
    default_route=(_APPROVAL, _ACCEPTANCE),
    subject_key=lambda payload: payload.login_name.lower(),
    subject=_who,
    prepare=reading.prepare_register,
    plan=planning.plan_register,
    check=checks.check_register,
    proposed_fields=frozenset({filling.FIELD}),
    propose=filling.propose_missing,
    reservation_key=checks.reservation_of,
    reservation_field="login_name",
    search_terms=_register_terms,
    line_template="accounts/line_register.html",
    targets=(TARGET, TWO_FACTOR),
    organisation_kinds=_MAY_APPLY,
)


def _change_terms(payload: ChangeAccount) -> Iterable[str]:
    return (
        payload.display_name,
        f"{payload.family_name}{payload.given_name}",
        payload.kana,
        payload.login_name,
        payload.new_login_name,
        payload.department,
        payload.staff_number,
    )


CHANGE_KIND: ApplicationKind[ChangeAccount] = ApplicationKind(
    code=CHANGE,
    label=_("Windows user account: change"),
    description=_("A name, department, unit, group or last day of use changes. Before and after are shown."),
    number_prefix="C",
    services=(8,),
    icon="copy",
    payload_class=ChangeAccount,
    form_class=life_forms.ChangeForm,
    default_route=(_APPROVAL, _ACCEPTANCE),
    subject_key=lambda payload: payload.login_name.lower(),
    subject=_who,
    read_ahead=reading.read_existing(DirectoryAccount.AccountType.WINDOWS),
    prepare=reading.prepare_existing,
    plan=life_planning.plan_change,
    check=life_checks.check_change,
    reservation_key=life_checks.reservation_of_change,
    subjects=life_checks.subjects_of,
    reservation_field="login_name",
    search_terms=_change_terms,
    line_template="accounts/line_change.html",
    targets=(TARGET, TWO_FACTOR),
    organisation_kinds=_MAY_APPLY,
)


def _named_terms(payload: NamedAccount) -> Iterable[str]:
    return (payload.display_name, payload.display_name.replace(" ", ""), payload.login_name)


DELETE_KIND: ApplicationKind[DeleteAccount] = ApplicationKind(
    code=DELETE,
    label=_("Windows user account: deletion"),
    description=_("Somebody left: the account stops working at once and is removed later."),
    number_prefix="D",
    services=(8,),
    icon="minus",
    payload_class=DeleteAccount,
    form_class=life_forms.DeleteForm,
    default_route=(_APPROVAL, _ACCEPTANCE),
    subject_key=lambda payload: payload.login_name.lower(),
    subject=_who,
    read_ahead=reading.read_existing(DirectoryAccount.AccountType.WINDOWS),
    prepare=reading.prepare_existing,
    plan=life_planning.plan_delete,
    check=life_checks.check_delete,
    reservation_key=life_checks.reservation_of_account,
    subjects=life_checks.subjects_of,
    reservation_field="login_name",
    search_terms=_named_terms,
    line_template="accounts/line_named.html",
    targets=(TARGET, TWO_FACTOR),
    organisation_kinds=_MAY_APPLY,
)

RESTORE_KIND: ApplicationKind[RestoreAccount] = ApplicationKind(
    code=RESTORE,
    label=_("Windows user account: restoration"),
    description=_("A deleted account is given back as it was, as long as it was not removed for good."),
    number_prefix="E",
    services=(8,),
    icon="back",
    payload_class=RestoreAccount,
    form_class=life_forms.RestoreForm,
    default_route=(_APPROVAL, _ACCEPTANCE),
    subject_key=lambda payload: payload.login_name.lower(),
    subject=_who,
    read_ahead=reading.read_existing(DirectoryAccount.AccountType.WINDOWS),
    prepare=reading.prepare_existing,
    plan=life_planning.plan_restore,
    check=life_checks.check_restore,
    reservation_key=life_checks.reservation_of_account,
    subjects=life_checks.subjects_of,
    reservation_field="login_name",
    search_terms=_named_terms,
    line_template="accounts/line_named.html",
    targets=(TARGET, TWO_FACTOR),
    organisation_kinds=_MAY_APPLY,
)

RESET_KIND: ApplicationKind[ResetPassword] = ApplicationKind(
    code=PASSWORD_RESET,
    label=_("Password reset of an account"),
    description=_("A person forgot the password: a new initial password is mailed to the recipient."),
    number_prefix="P",
    services=(8,),
    icon="key",
    payload_class=ResetPassword,
    form_class=forms.ResetForm,
    default_route=(_APPROVAL,),
    subject_key=lambda payload: payload.login_name.lower(),
    subject=_who,
    read_ahead=reading.read_resets,
    prepare=reading.prepare_reset,
    plan=planning.plan_reset,
    check=checks.check_reset,
    reservation_key=checks.reservation_of_reset,
    subjects=life_checks.subjects_of,
    reservation_field="login_name",
    search_terms=lambda payload: (
        payload.display_name,
        payload.display_name.replace(" ", ""),
        payload.login_name,
    ),
    line_template="accounts/line_reset.html",
    targets=(TARGET,),
    organisation_kinds=_MAY_APPLY,
)


def register_deletion(kind: str, handler: DeleteHandler) -> None:
    """Carry out a kind that deletes accounts, and the final removal that follows it."""
    register_handler(kind, TARGET, handler)
    register_handler(kind, TARGET, RemoveHandler(), step=REMOVE)
    register_two_factor(kind, Action.DISABLE)
    register_two_factor(kind, Action.REMOVE, step=REMOVE)


def register_end(kind: str) -> None:
    """Disable accounts of which this kind spoke last on the day after their last day of use."""
    register_handler(kind, TARGET, ExpireHandler(), step=EXPIRE)
    register_two_factor(kind, Action.DISABLE, step=EXPIRE)


OTHER_NAME = Remedy(label=_("Choose another login name"), url_name="operation_login_name")
_OTHER_RECIPIENT = Remedy(label=_("Choose another recipient"), url_name="operation_recipient")


def register_all() -> None:
    """Register this app's kinds with the engine, their handlers and what helps stopped operations with fulfilment."""
    name_target(TARGET, "Active Directory")
    registering.register_kinds((REGISTER_KIND, RegisterHandler()), (CHANGE_KIND, ChangeHandler()))
    kinds.register(DELETE_KIND)
    registering.register_kinds(
        (RESTORE_KIND, RestoreHandler()),
        (RESET_KIND, ResetHandler()),
        (afterwards.kind(_MAY_APPLY, _register_terms), afterwards.AfterwardsHandler()),
    )
    register_two_factor(RESTORE, Action.ENABLE)
    register_deletion(DELETE, DeleteHandler())
    for kind in (REGISTER, CHANGE, RESTORE):
        register_end(kind)
    name_step(REMOVE, _("final removal"))
    name_step(EXPIRE, _("end of the account"))
    register_two_factor(REGISTER, Action.ADD)
    register_two_factor(CHANGE, Action.CHANGE)
    name_step(unused.STEP, unused.STEP_LABEL)
    register_remedy(REGISTER, NAME_TAKEN, OTHER_NAME)
    for kind in (REGISTER, PASSWORD_RESET):
        register_handler(kind, TARGET, DisableUnusedHandler(), step=unused.STEP)
        for code in (RECIPIENT_UNUSABLE, RECIPIENT_REFUSED):
            register_remedy(kind, code, _OTHER_RECIPIENT)
