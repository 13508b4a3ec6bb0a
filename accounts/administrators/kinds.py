"""The kinds of application about administrator accounts (ACC-01, ACC-02, ACC-03).

What is not said here is as for Windows user accounts: the route, who may apply, the target, how a line is named.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts import kinds as windows
from accounts import reading
from accounts.administrators import checks, entering, forms, planning, separation
from accounts.administrators.handlers import (
    ChangeAdministratorHandler,
    DeleteAdministratorHandler,
    RestoreAdministratorHandler,
)
from accounts.administrators.payloads import (
    ChangeAdministrator,
    DeleteAdministrator,
    RegisterAdministrator,
    RestoreAdministrator,
)
from accounts.delivery import unused
from accounts.delivery.disabling import DisableUnusedHandler
from accounts.kinds import OTHER_NAME, TARGET, register_deletion, register_end
from accounts.models import DirectoryAccount
from accounts.provisioning import NAME_TAKEN, RECIPIENT_REFUSED, RECIPIENT_UNUSABLE
from accounts.registering import RegisterHandler
from accounts.two_factor import register_two_factor
from portal.fulfilment.registry import Remedy, register_handler, register_remedy
from portal.gateways.two_factor import Action
from portal.orgs.assignments import Term
from portal.orgs.permissions import Role
from portal.workflow import kinds
from portal.workflow.kinds import ApplicationKind

# The payload classes differ, so what is taken over from them is not typed.
WINDOWS_REGISTER: ApplicationKind[Any] = windows.REGISTER_KIND
WINDOWS_CHANGE: ApplicationKind[Any] = windows.CHANGE_KIND
WINDOWS_DELETE: ApplicationKind[Any] = windows.DELETE_KIND
WINDOWS_RESTORE: ApplicationKind[Any] = windows.RESTORE_KIND

REGISTER = "accounts.admin_register"
CHANGE = "accounts.admin_change"
DELETE = "accounts.admin_delete"
RESTORE = "accounts.admin_restore"


_READ_AHEAD = reading.read_existing(DirectoryAccount.AccountType.ADMINISTRATOR)


def _role_words(terms: Iterable[Term]) -> Iterable[str]:
    return (str(Role(term.role).label) for term in terms)


def _register_terms(payload: RegisterAdministrator) -> Iterable[str]:
    return (*WINDOWS_REGISTER.search_terms(payload), payload.email, *_role_words(payload.terms))


REGISTER_KIND: ApplicationKind[Any] = dataclasses.replace(
    WINDOWS_REGISTER,
    code=REGISTER,
    label=_("Administrator account: registration"),
    description=_("A person gets an account to apply or approve in this portal, with roles."),
    number_prefix="B",
    services=(8,),
    payload_class=RegisterAdministrator,
    payload_version=1,
    upgrade=lambda data, version: data,
    form_class=forms.RegisterAdministratorForm,
    plan=planning.plan_register,
    check=checks.check_register,
    prepare=checks.prepare_register,
    search_terms=_register_terms,
    line_template="accounts/line_admin_register.html",
)


def _change_terms(payload: ChangeAdministrator) -> Iterable[str]:
    return (*WINDOWS_CHANGE.search_terms(payload), payload.email, *_role_words(payload.terms))


CHANGE_KIND: ApplicationKind[Any] = dataclasses.replace(
    WINDOWS_CHANGE,
    code=CHANGE,
    label=_("Administrator account: change"),
    description=_("Names, department, mail address or roles of an administrator account change."),
    number_prefix="BC",
    services=(8,),
    payload_class=ChangeAdministrator,
    payload_version=1,
    upgrade=lambda data, version: data,
    form_class=forms.ChangeAdministratorForm,
    read_ahead=_READ_AHEAD,
    plan=planning.plan_change,
    check=checks.check_change,
    concerned=separation.concerned,
    search_terms=_change_terms,
    line_template="accounts/line_admin_change.html",
)

DELETE_KIND: ApplicationKind[Any] = dataclasses.replace(
    WINDOWS_DELETE,
    code=DELETE,
    label=_("Administrator account: deletion"),
    description=_("Somebody no longer applies or approves here: shut out at once, all roles end."),
    number_prefix="BD",
    services=(8,),
    payload_class=DeleteAdministrator,
    form_class=forms.DeleteAdministratorForm,
    read_ahead=_READ_AHEAD,
    plan=planning.plan_delete,
    check=checks.check_delete,
)

RESTORE_KIND: ApplicationKind[Any] = dataclasses.replace(
    WINDOWS_RESTORE,
    code=RESTORE,
    label=_("Administrator account: restoration"),
    description=_(
        "A deleted administrator account is given back without roles, as long as it was not removed."
    ),
    number_prefix="BE",
    services=(8,),
    payload_class=RestoreAdministrator,
    form_class=forms.RestoreAdministratorForm,
    read_ahead=_READ_AHEAD,
)

_OTHER_RECIPIENT = Remedy(label=_("Choose another recipient"), url_name="operation_recipient")


def register_all() -> None:
    """Register the kinds with the engine and their handlers with fulfilment."""
    kinds.register(REGISTER_KIND)
    kinds.register(CHANGE_KIND)
    kinds.register(DELETE_KIND)
    kinds.register(RESTORE_KIND)
    register_handler(REGISTER, TARGET, RegisterHandler(entering.enter_new))
    register_handler(REGISTER, TARGET, DisableUnusedHandler(), step=unused.STEP)
    register_handler(CHANGE, TARGET, ChangeAdministratorHandler())
    register_two_factor(REGISTER, Action.ADD)
    register_two_factor(CHANGE, Action.CHANGE)
    register_handler(RESTORE, TARGET, RestoreAdministratorHandler())
    register_two_factor(RESTORE, Action.ENABLE)
    register_deletion(DELETE, DeleteAdministratorHandler())
    for kind in (REGISTER, CHANGE, RESTORE):
        register_end(kind)
    register_remedy(REGISTER, NAME_TAKEN, OTHER_NAME)
    for code in (RECIPIENT_UNUSABLE, RECIPIENT_REFUSED):
        register_remedy(REGISTER, code, _OTHER_RECIPIENT)
