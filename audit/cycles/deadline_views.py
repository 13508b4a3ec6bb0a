"""The versions of the deadlines and the local closures: everybody who follows the audit reads them, two parties enter them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.cycles import deadlines, pages, selectors
from audit.cycles.errors import NotAllowed, Refused
from audit.cycles.forms import ClosureForm, VersionForms
from audit.cycles.models import Closure, DeadlinePolicy, first_of_month
from audit.cycles.views import CyclesView
from portal.common.pagination import paginate
from portal.common.time import today
from portal.orgs.permissions import MANAGE_AUDIT_DEADLINES

_HEADS = [(int(step), name) for step, name in pages.STEP_NAMES.items()]


class DeadlinesView(CyclesView):
    """A view of deadlines."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refusals of a service become 403, with the reason on the page."""
        try:
            return super().dispatch(request, *args, **kwargs)
        except NotAllowed as error:
            raise PermissionDenied(error.reason) from error

    @property
    def may_manage(self) -> bool:
        """Whether this person enters deadlines and closures."""
        return self.user.may(MANAGE_AUDIT_DEADLINES)

    def require(self) -> None:
        """403 for those who only read."""
        if not self.may_manage:
            raise PermissionDenied(
                _("Only network operations and the central association settle the deadlines of the audit.")
            )


class PoliciesView(DeadlinesView):
    """Every version, the newest first."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """With which one holds this month."""
        month = first_of_month(today(timezone.now()))
        versions = selectors.policies()
        context = {
            "versions": versions,
            "holds": next((each for each in versions if each.valid_from <= month), None),
            "may_manage": self.may_manage,
        }
        return render(request, "audit/cycles/deadlines.html", context)


class PolicyView(DeadlinesView):
    """One version: its rules, its first twelve months, and withdrawing it before it begins."""

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        """As it was entered."""
        policy = self.load(key)
        steps = list(policy.steps.all())
        context = {
            "policy": policy,
            "steps": steps,
            "months": deadlines.preview(policy, steps),
            "heads": _HEADS,
            "may_withdraw": self.may_manage
            and policy.valid_from > first_of_month(today(timezone.now()))
            and not policy.frozen,
        }
        return render(request, "audit/cycles/deadlines_version.html", context)

    def post(self, request: HttpRequest, key: str) -> HttpResponse:
        """Withdraw it."""
        self.require()
        policy = self.load(key)
        try:
            deadlines.withdraw_policy(policy_id=policy.pk, actor=self.user, now=timezone.now())
        except Refused as refused:
            messages.error(request, str(refused.problems[0][1]))
            return redirect("audit_deadlines_version", key)
        messages.success(request, _("Withdrawn. The version before it holds on."))
        return redirect("audit_deadlines")

    def load(self, key: str) -> Any:
        """The version that begins with this month."""
        month = selectors.month_of(key)
        found = next((each for each in selectors.policies() if each.valid_from == month), None)
        if found is None:
            raise Http404
        return found


class NewView(DeadlinesView):
    """Enter a version: first look at twelve months, then keep it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Beginning with what holds last."""
        self.require()
        return self.page(self.forms(None))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Preview, or keep."""
        self.require()
        entered = self.forms(request.POST)
        if not entered.is_valid():
            return self.page(entered, status=422)
        policy, steps = entered.to_policy()
        keep = request.POST.get("do") == "keep"
        try:
            if keep:
                deadlines.enter_policy(policy=policy, steps=steps, actor=self.user, now=timezone.now())
            else:
                deadlines.check_policy(policy=policy, steps=steps, now=timezone.now())
        except Refused as refused:
            entered.refuse(refused)
            return self.page(entered, status=422)
        if not keep:
            return self.page(entered, deadlines.preview(policy, steps))
        messages.success(request, _("Entered. Months that are open keep their days."))
        return redirect("audit_deadlines_version", f"{policy.valid_from:%Y-%m}")

    def forms(self, data: Any) -> VersionForms:
        """Filled in like the newest version."""
        like: DeadlinePolicy = selectors.policies()[0]
        return VersionForms(data, today=today(timezone.now()), like=like)

    def page(self, entered: VersionForms, months: Any = (), status: int = 200) -> HttpResponse:
        """The form, and below it the months that it would give."""
        context = {
            "form": entered.whole,
            "steps": entered.steps,
            "months": months,
            "heads": _HEADS,
            "problems": entered.problems,
        }
        return render(self.request, "audit/cycles/deadlines_new.html", context, status=status)


class ClosuresView(DeadlinesView):
    """Days that are told apart from the usual calendar."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """With the form for those who may enter one."""
        return self.page(ClosureForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Enter one or several in a row."""
        self.require()
        form = ClosureForm(request.POST)
        if not form.is_valid():
            return self.page(form, status=422)
        try:
            made = deadlines.enter_closures(**form.values(), actor=self.user, now=timezone.now())
        except Refused as refused:
            form.refuse(refused)
            return self.page(form, status=422)
        for step in selectors.due_on(closure.day for closure in made):
            text = _("%(day)s stays the due day of step %(step)d of %(month)s: that month is open already.")
            values = {"day": step.due_on.isoformat(), "step": step.step, "month": step.cycle.key}
            messages.warning(request, text % values)
        messages.success(request, _("Entered."))
        return redirect("audit_closures")

    def page(self, form: ClosureForm, status: int = 200) -> HttpResponse:
        """The list, the latest day first."""
        context = {
            "page": paginate(selectors.closures(), self.request.GET.get("cursor"), 50),
            "form": form if self.may_manage else None,
            "problems": form.error_summary if form.is_bound else [],
            "may_manage": self.may_manage,
            "today": today(timezone.now()),
        }
        return render(self.request, "audit/cycles/closures.html", context, status=status)


class ClosureRemoveView(DeadlinesView):
    """Forget one that has not come."""

    http_method_names = ["post", "options"]  # noqa: RUF012

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The day counts as usual again."""
        self.require()
        try:
            deadlines.remove_closure(closure_id=pk, actor=self.user, now=timezone.now())
        except Closure.DoesNotExist as error:
            raise Http404 from error
        except Refused as refused:
            messages.error(request, str(refused.problems[0][1]))
        else:
            messages.success(request, _("Removed."))
        return redirect("audit_closures")
