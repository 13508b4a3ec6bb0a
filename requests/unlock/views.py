"""The screens of this room: the application without login, what waits for network operations, the register (REQ-04)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.generic import View

from portal.orgs import identity
from portal.orgs.permissions import READ_ACCOUNTS, READ_OPERATIONS
from portal.trail import services as trail
from portal.workflow import errors, registers, services
from portal.workflow import selectors as applications
from portal.workflow.forms import DecisionForm
from portal.workflow.models import Application
from portal.workflow.registers import ExportMixin, ListMixin, PrintMixin
from portal.workflow.views import PersonView, render_application
from requests.unlock import filing, selectors
from requests.unlock.forms import ApplyForm, UnlockFilterForm
from requests.unlock.kinds import PURPOSE
from requests.unlock.payloads import KIND, KINDS
from requests.unlock.tables import UNLOCKS

RECENT_SHOWN = 10


@method_decorator([login_not_required, never_cache], name="dispatch")
class ApplyView(View):
    """The last page of somebody who cannot log in: how it stands with their account, and the application."""

    http_method_names = ("get", "head", "post")

    def get(self, request: HttpRequest) -> HttpResponse:
        """Nothing is applied for yet."""
        proof = identity.proof_of(request, PURPOSE, timezone.now())
        return self.page(proof, ApplyForm()) if proof else redirect("identity_ask", PURPOSE)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Apply; the second of two clicks starts again."""
        now = timezone.now()
        proof = identity.proof_of(request, PURPOSE, now)
        if proof is None:
            return redirect("identity_ask", PURPOSE)
        form = ApplyForm(request.POST)
        if not form.is_valid():
            return self.page(proof, form, status=422)
        try:
            application = filing.file(proof=proof, reason=form.cleaned_data["reason"], now=now)
        except filing.UnlockRefused as error:
            form.add_error(None, error.reason)
            return self.page(proof, form, status=422)
        except identity.ProofSpent:
            return redirect("identity_ask", PURPOSE)
        request.session.flush()
        context = {"number": application.number}
        return render(request, "requests/unlock_applied.html", context)

    def page(self, proof: identity.Proof, form: ApplyForm, status: int = 200) -> HttpResponse:
        """The account as it is now, and the form where applying is of use."""
        found = filing.situation(proof.person, timezone.now())
        context = {
            "person": proof.person,
            "form": form,
            "found": found,
            "problems": form.error_summary if form.is_bound else (),
        }
        return render(self.request, "requests/unlock_apply.html", context, status=status)


class WaitingView(PersonView):
    """What waits to be unlocked: one click accepts and carries out."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Only network operations see all that waits."""
        if request.user.is_authenticated and not self.user.may(READ_OPERATIONS):
            raise PermissionDenied(_("Only network operations see what waits to be unlocked."))
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        """With the locks as they are now, what is under way, and what was unlocked last."""
        now = timezone.now()
        waiting = selectors.waiting(self.user, now)
        trail.record(action="unlock.waiting", now=now, actor=self.user, detail={"count": len(waiting)})
        context = {
            "waiting": waiting,
            "unavailable": any(account.plan.unavailable for each in waiting for account in each.accounts),
            "under_way": selectors.under_way(self.user),
            "recent": UNLOCKS.with_columns(None),
            "recent_rows": UNLOCKS.with_columns(None).rows(
                selectors.unlocks(self.user).order_by("-id")[:RECENT_SHOWN]
            ),
            "has_recent": selectors.unlocks(self.user).exists(),
        }
        return render(request, "requests/unlock_waiting.html", context)


class UnlockNowView(PersonView):
    """The click: the acceptance of network operations, which queues the unlock."""

    http_method_names = ("post", "options")

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        """What the person saw is what is unlocked; else the application's page says what has changed."""
        try:
            application = applications.application(self.user, number)
        except Application.DoesNotExist as error:
            raise Http404 from error
        if application.kind not in KINDS:
            raise Http404
        form = DecisionForm(request.POST)
        if not form.is_valid():
            messages.error(
                request, _("The click did not arrive whole. Look at the application and try again.")
            )
            return render_application(request, application, status=422)
        try:
            services.approve(
                application_id=application.pk, actor=self.user, now=timezone.now(), **form.cleaned_data
            )
        except errors.ContentChanged as error:
            fresh = applications.application(self.user, number)
            return render_application(request, fresh, error=error, status=409)
        except (errors.AlreadyDecided, errors.MoveNotAllowed):
            messages.warning(request, _("Somebody else decided on %(number)s first.") % {"number": number})
        except errors.InvalidApplication as error:
            texts = dict.fromkeys(str(text) for found in error.errors.values() for text in found)
            messages.error(request, f"{number}: {' '.join(texts)}")
        else:
            messages.success(
                request,
                _("%(number)s was accepted and is being unlocked. The result appears below.")
                % {"number": number},
            )
        return redirect("unlock_waiting")


class UnlockRegisterView(registers.RegisterView):
    """What the three views of the register list."""

    table = UNLOCKS
    names = ("q", "way", "repeated", "organisation")
    action = "unlock"
    template = "requests/unlocks.html"
    heading = gettext_lazy("Account unlocks")
    apply_kind = KIND

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Somebody without the permission gets 403."""
        if request.user.is_authenticated and not self.user.may(READ_ACCOUNTS):
            raise PermissionDenied(_("Your role does not allow you to see accounts."))
        return super().dispatch(request, *args, **kwargs)

    def found(self, filters: dict[str, str]) -> Any:
        """The unlocks that the filters leave."""
        return selectors.unlocks(self.user, **filters)

    def form(self, *args: Any, **kwargs: Any) -> UnlockFilterForm:
        """The search."""
        return UnlockFilterForm(*args, organisations=selectors.organisations(self.user), **kwargs)

    def more(self) -> dict[str, Any]:
        """The way to what waits, for operations."""
        return {"may_unlock": self.user.may(READ_OPERATIONS)}


class ListView(ListMixin, UnlockRegisterView):
    """Every unlock that this person may see."""


class ExportView(ExportMixin, UnlockRegisterView):
    """As a file."""


class PrintView(PrintMixin, UnlockRegisterView):
    """On paper."""
