"""The screens of the account register: search, one account with its live state, and the correction of a recipient."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import corrections, selectors
from accounts.delivery import unused
from accounts.models import DirectoryAccount
from accounts.screen_forms import AccountFilterForm, ChangeRecipientForm
from accounts.tables import ACCOUNTS
from portal.fulfilment.errors import MoveNotAllowed
from portal.fulfilment.models import Operation
from portal.orgs.permissions import READ_ACCOUNTS
from portal.workflow.registers import ExportMixin, ListMixin, PrintMixin, RegisterView
from portal.workflow.views import PersonView


class AccountsView(PersonView):
    """A view for those who may read accounts."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Somebody without the permission gets 403, whatever the account."""
        if request.user.is_authenticated and not self.user.may(READ_ACCOUNTS):
            raise PermissionDenied(_("Your role does not allow you to see accounts."))
        return super().dispatch(request, *args, **kwargs)


class AccountRegister(RegisterView, AccountsView):
    """What the three views of the list show (ユーザ検索, ACC-02)."""

    table = ACCOUNTS
    names = ("q", "state", "organisation", "account_type", "department", "expiry")
    action = "account"
    template = "accounts/list.html"
    heading = gettext_lazy("Accounts")

    def found(self, filters: dict[str, str]) -> Any:
        """The accounts that the filters leave, newest first."""
        return selectors.accounts(self.user, **filters)

    def form(self, *args: Any, **kwargs: Any) -> AccountFilterForm:
        """The search."""
        return AccountFilterForm(*args, organisations=selectors.organisations(self.user), **kwargs)


class ListView(ListMixin, AccountRegister):
    """Every account that this person may see."""


class ExportView(ExportMixin, AccountRegister):
    """The list as CSV or Excel, in the person's columns; who took what is recorded (SEC-02)."""


class PrintView(PrintMixin, AccountRegister):
    """The list on paper: every row that the filters leave, up to what anybody prints."""


class DetailView(AccountsView):
    """One account: what the register says, what AD says now, and the applications about it."""

    def get(self, request: HttpRequest, guid: UUID) -> HttpResponse:
        """Another federation's account is as unknown as none (ORG-02)."""
        account = self.one(selectors.account, guid)
        self.seen("account", str(account.object_guid), account.login_name, account.organisation_id)
        context = {
            "account": account,
            "live": selectors.live_state(account),
            "roles": selectors.roles_of(account),
            "asked_at": timezone.now(),
            "applications": selectors.applications_of(self.user, account)[:20],
            "actions": selectors.actions_of(self.user, account),
            "disabled_row": unused.disabled_row(account.object_guid)
            if account.state == DirectoryAccount.State.DISABLED
            else None,
            "may_reset": selectors.may_apply_for_reset(self.user, account),
        }
        return render(request, "accounts/detail.html", context)


class ChangeRecipientView(PersonView):
    """Operations choose another recipient for a line whose initial password could not be delivered."""

    def load(self, operation_id: int) -> Operation:
        """The operation; unknown to whoever may not run operations."""
        try:
            return selectors.correctable_operation(self.user, operation_id)
        except Operation.DoesNotExist as error:
            raise Http404 from error

    def get(self, request: HttpRequest, operation_id: int) -> HttpResponse:
        """The usable recipients of the operation's organisation."""
        operation = self.load(operation_id)
        return self.page(request, operation, ChangeRecipientForm(operation=operation, actor=self.user))

    def post(self, request: HttpRequest, operation_id: int) -> HttpResponse:
        """Choose and go on."""
        operation = self.load(operation_id)
        form = ChangeRecipientForm(request.POST, operation=operation, actor=self.user)
        if not form.is_valid():
            return self.page(request, operation, form, status=422)
        try:
            corrections.change_recipient(
                operation_id=operation.pk,
                recipient_id=form.cleaned_data["recipient_id"],
                actor=self.user,
                now=timezone.now(),
            )
        except corrections.RecipientNotUsable as error:
            form.add_error("recipient_id", error.reason)
            return self.page(request, operation, form, status=422)
        except MoveNotAllowed:
            form.add_error(
                None, _("The operation has gone on meanwhile. Its recipient can no longer be changed.")
            )
            return self.page(request, operation, form, status=409)
        messages.success(request, _("The recipient was changed. The portal tries again at once."))
        return redirect("operation_detail", operation.pk)

    def page(
        self, request: HttpRequest, operation: Operation, form: ChangeRecipientForm, status: int = 200
    ) -> HttpResponse:
        """The form with what was chosen."""
        context = {
            "operation": operation,
            "form": form,
            "problems": form.error_summary if form.is_bound else [],
        }
        return render(request, "accounts/change_recipient.html", context, status=status)
