"""The screens of the account register: search, one account with its live state, and the correction of a recipient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import corrections, selectors
from accounts.models import DirectoryAccount
from accounts.screen_forms import AccountFilterForm, ChangeRecipientForm
from portal.common.csvfile import csv_response
from portal.common.pagination import COUNT_LIMIT, limited_count, paginate
from portal.common.time import JST
from portal.fulfilment.errors import MoveNotAllowed
from portal.fulfilment.models import Operation
from portal.orgs.permissions import READ_ACCOUNTS
from portal.trail import services as trail
from portal.workflow.views import PersonView

PAGE_SIZE = 50
EXPORT_LIMIT = 10_000
_FILTERS = ("q", "state", "organisation")


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
        context = {
            "page": paginate(found, request.GET.get("cursor"), PAGE_SIZE),
            "count": min(count, COUNT_LIMIT),
            "more": count > COUNT_LIMIT,
            "filters": filters,
            "form": AccountFilterForm(initial=filters, organisations=selectors.organisations(self.user)),
        }
        return render(request, "accounts/list.html", context)


class ExportView(AccountsView):
    """The list as CSV; who took what is recorded (SEC-02)."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The same filters as the list, at most EXPORT_LIMIT rows."""
        filters = self.filters()
        rows = selectors.accounts(self.user, **filters).order_by("-id")[:EXPORT_LIMIT]
        detail = {"filters": filters, "limit": EXPORT_LIMIT}
        trail.record(
            action="account.export", now=timezone.now(), actor=self.user, object_type="account", detail=detail
        )
        header = [
            _("Login name"),
            _("Name"),
            _("Name (kana)"),
            _("Organisation"),
            _("Department"),
            _("State"),
        ]
        return csv_response(_("accounts") + ".csv", [*header, _("Verified in AD")], _export_rows(rows))


def _export_rows(rows: QuerySet[DirectoryAccount]) -> Iterator[list[Any]]:
    for account in rows.iterator(chunk_size=500):
        yield [
            account.login_name,
            f"{account.family_name} {account.given_name}",
            f"{account.family_kana} {account.given_kana}",
            account.organisation.name,
            account.department,
            account.get_state_display(),
            f"{account.verified_at.astimezone(JST):%Y-%m-%d %H:%M}",
        ]


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
            "asked_at": timezone.now(),
            "applications": selectors.applications_of(self.user, account)[:20],
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
