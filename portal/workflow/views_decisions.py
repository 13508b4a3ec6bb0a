"""Deciding: the page that asks once more, then the decision itself. The service checks everything again under the lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.workflow import errors, kinds, selectors, services
from portal.workflow.forms import AskedDecisionForm, DecisionForm
from portal.workflow.models import Application
from portal.workflow.views import StepView, render_application, to_detail

_DONE: Mapping[str, Any] = {
    "approve": gettext_lazy("You approved %(number)s."),
    "return": gettext_lazy("You returned %(number)s to the applicant."),
    "reject": gettext_lazy("You rejected %(number)s."),
}


class DecideView(StepView):
    """The confirmation page: nothing is decided yet, so an interrupted click does no harm."""

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        """422 with the page and its errors when a comment is missing."""
        application = self.load(number)
        form = AskedDecisionForm(request.POST)
        if not form.is_valid():
            return render_application(request, application, form=form, status=422)
        decision = selectors.decision_view(self.user, application, timezone.now())
        if decision.stage is None or decision.stage.pk != form.cleaned_data["stage_id"]:
            stage = (
                application.stages.filter(pk=form.cleaned_data["stage_id"])
                .select_related("decided_by")
                .first()
            )
            raise (
                errors.AlreadyDecided(stage)
                if stage
                else errors.MoveNotAllowed(number, application.status, "")
            )
        if not decision.may_decide:
            raise errors.NotAllowed(decision.why_not)
        context = {
            "application": application,
            "kind": kinds.get(application.kind),
            "form": form,
            "how": form.cleaned_data["decision"],
            "decision": decision,
            "lines": selectors.shown_lines(application),
        }
        return render(request, "workflow/decide.html", context)


class DecisionView(StepView):
    """Approve, return or reject; `how` comes from the URL."""

    how = ""

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        """409 with the fresh page when something changed since it was shown, 422 when something is missing."""
        application = self.load(number)
        form = DecisionForm(request.POST)
        asked = AskedDecisionForm({**request.POST.dict(), "decision": self.how})
        if not form.is_valid() or not asked.is_valid():
            return render_application(request, application, form=asked, status=422)
        try:
            _service(self.how)(
                application_id=application.pk, actor=self.user, now=timezone.now(), **form.cleaned_data
            )
        except errors.ContentChanged as error:
            return render_application(request, self.load(number), form=asked, error=error, status=409)
        except errors.InvalidApplication as error:
            for texts in error.errors.values():
                for text in texts:
                    asked.add_error("comment" if "comment" in error.errors else None, text)
            return render_application(request, self.load(number), form=asked, status=422)
        messages.success(request, _DONE[self.how] % {"number": application.number})
        return to_detail(application)


def _service(how: str) -> Callable[..., Application]:
    return {"approve": services.approve, "return": services.return_, "reject": services.reject}[how]


class PullBackView(StepView):
    """引戻し."""

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        """Back into the applicant's hands."""
        application = self.load(number)
        services.pull_back(application_id=application.pk, actor=self.user, now=timezone.now())
        messages.success(
            request, _("You pulled the application back. You can correct it and submit it again.")
        )
        return to_detail(application)


class WithdrawView(StepView):
    """取下げ."""

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        """Ends the application; the comment is optional."""
        application = self.load(number)
        comment = request.POST.get("withdraw-comment", "")
        try:
            services.withdraw(
                application_id=application.pk, actor=self.user, comment=comment, now=timezone.now()
            )
        except errors.InvalidApplication as error:
            messages.error(request, str(error))
            return render_application(request, application, status=422)
        messages.success(request, _("The application was withdrawn."))
        return to_detail(application)
