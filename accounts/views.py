"""The screens of the account register: search, one account with its live state, and the correction of a recipient."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import corrections, selectors
from accounts.delivery import unused
from accounts.models import DirectoryAccount
from accounts.screen_forms import AccountFilterForm, ChangeRecipientForm
from accounts.tables import ACCOUNTS
from portal.common import export
from portal.common.forms import describe_filters
from portal.common.pagination import COUNT_LIMIT, limited_count, paginate
from portal.fulfilment.errors import MoveNotAllowed
from portal.fulfilment.models import Operation
from portal.orgs import columns
from portal.orgs.permissions import READ_ACCOUNTS
from portal.trail import services as trail
from portal.workflow.views import PersonView

PAGE_SIZE = 50
_FILTERS = ("q", "state", "organisation", "account_type", "department", "expiry")


class AccountsView(PersonView):
    """A view for those who may read accounts."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Somebody without the permission gets 403, whatever the account."""
        if request.user.is_authenticated and not self.user.may(READ_ACCOUNTS):
            raise PermissionDenied(_("Your role does not allow you to see accounts."))
        return super().dispatch(request, *args, **kwargs)

    def filters(self) -> dict[str, str]:
        """The filters of the URL, each only when it says something."""
        found = {name: self.request.GET.get(name, "").replace("\x00", "").strip()[:200] for name in _FILTERS}
        return {name: value for name, value in found.items() if value}


class ListView(AccountsView):
    """ユーザ検索 (ACC-02): every account that this person may see, newest first."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """One page; the reading of personal data is recorded with what was asked (SEC-02)."""
        filters = self.filters()
        found = selectors.accounts(self.user, **filters)
        trail.record(action="account.list", now=timezone.now(), actor=self.user, detail={"filters": filters})
        count = limited_count(found)
        table = columns.shown_to(self.user, ACCOUNTS)
        page = paginate(table.prepared(found), request.GET.get("cursor"), PAGE_SIZE)
        context = {
            "page": page,
            "table": table,
            "rows": table.rows(page.rows),
            "count": min(count, COUNT_LIMIT),
            "more": count > COUNT_LIMIT,
            "filters": filters,
            "query": urlencode(filters),
            "form": AccountFilterForm(initial=filters, organisations=selectors.organisations(self.user)),
        }
        return render(request, "accounts/list.html", context)


class ExportView(AccountsView):
    """The list as CSV or Excel, in the person's columns; who took what is recorded (SEC-02)."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The same filters as the list."""
        filters = self.filters()
        kind = export.file_format(request.GET.get("format", ""))
        found = selectors.accounts(self.user, **filters).order_by("-id")
        if (refusal := export.too_many(kind, found)) is not None:
            messages.error(request, refusal)
            return redirect(f"{reverse('account_list')}?{urlencode(filters)}")
        detail = {"filters": filters, "format": kind}
        trail.record(
            action="account.export", now=timezone.now(), actor=self.user, object_type="account", detail=detail
        )
        return export.table_response(kind, _("accounts"), columns.shown_to(self.user, ACCOUNTS), found)


class PrintView(AccountsView):
    """The list on paper: every row that the filters leave, up to what anybody prints."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Printing is taking along: it is recorded like a file (SEC-02)."""
        filters = self.filters()
        found = selectors.accounts(self.user, **filters).order_by("-id")
        trail.record(action="account.print", now=timezone.now(), actor=self.user, detail={"filters": filters})
        address = f"{reverse('account_list')}?{urlencode(filters)}"
        context = export.print_context(found, columns.shown_to(self.user, ACCOUNTS))
        context |= {"heading": _("Accounts"), "list_url": address, "filters": self.described(filters)}
        return render(request, "components/list_print.html", context)

    def described(self, filters: dict[str, str]) -> str:
        """The filters in words."""
        form = AccountFilterForm(filters, organisations=selectors.organisations(self.user))
        return describe_filters(form)


class DetailView(AccountsView):
    """One account: what the register says, what AD says now, and the applications about it."""

    def get(self, request: HttpRequest, guid: UUID) -> HttpResponse:
        """Another federation's account is as unknown as none (ORG-02)."""
        try:
            account = selectors.account(self.user, guid)
        except DirectoryAccount.DoesNotExist as error:
            raise Http404 from error
        trail.record(
            action="account.view",
            now=timezone.now(),
            actor=self.user,
            object_type="account",
            object_id=str(account.object_guid),
            object_label=account.login_name,
            object_organisation_id=account.organisation_id,
        )
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
        return self.page(request, operation, ChangeRecipientForm(organisation=operation.organisation))

    def post(self, request: HttpRequest, operation_id: int) -> HttpResponse:
        """Choose and go on."""
        operation = self.load(operation_id)
        form = ChangeRecipientForm(request.POST, organisation=operation.organisation)
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
