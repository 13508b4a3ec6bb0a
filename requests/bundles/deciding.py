"""All plans of a bundle on one page, decided one by one or together, by the engine's own decisions (REQ-13, ORG-04)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.workflow import errors, fulfilling, kinds, selectors
from portal.workflow import services as workflow
from portal.workflow.forms import DecisionForm
from portal.workflow.models import Application
from requests.bundles.selectors import to_decide
from requests.bundles.views import BundleView

_HOW: dict[str, Any] = {"approve": workflow.approve, "return": workflow.return_, "reject": workflow.reject}


@dataclass(kw_only=True)
class Asked:
    """One application that this person decides, with its live plans."""

    application: Application
    decision: selectors.DecisionView
    how: str = ""
    comment: str = ""
    errors: list[str] = field(default_factory=list)

    @property
    def kind(self) -> kinds.ApplicationKind[Any]:
        """Its kind."""
        return kinds.get(self.application.kind)

    @property
    def name(self) -> str:
        """What its fields begin with."""
        return f"a{self.application.pk}"

    @property
    def is_blocked(self) -> bool:
        """Whether it cannot be approved now."""
        return any(plan.is_blocked for plan in self.decision.plans)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Each line with its plan."""
        shown = selectors.shown_lines(self.application)
        return [
            {"line": line.line, "plan": plan, "result": fulfilling.result_text(line.line)}
            for line, plan in zip(shown, self.decision.plans, strict=False)
        ]


class DecideView(BundleView):
    """One page for the approver: every linked application that waits for this person."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """Targets are asked for what would be changed now."""
        bundle = self.load(number)
        return self._show(bundle, self._asked(bundle))

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        """Each chosen decision is taken by itself: one that is refused does not undo the others, and is shown with its reason."""
        bundle = self.load(number)
        asked = self._asked(bundle)
        done = [each for each in asked if self._decide(each)]
        if done:
            numbers = "、".join(each.application.number for each in done)
            messages.success(request, _("Decided: %(numbers)s") % {"numbers": numbers})
        if any(each.errors for each in asked):
            failed = {each.application.pk: each for each in asked if each.errors}
            fresh = self._asked(bundle)  # what was decided is gone, what changed is shown as it is now
            for each in fresh:
                if before := failed.get(each.application.pk):
                    each.how, each.comment, each.errors = before.how, before.comment, before.errors
            return self._show(bundle, fresh, status=409)
        if not done:
            return self._show(bundle, asked, problem=_("Choose at least one decision."), status=422)
        return redirect("bundle", number=number)

    def _asked(self, bundle: Any) -> list[Asked]:
        now = timezone.now()
        found = []
        for row in to_decide(self.user, bundle):
            application = selectors.application(self.user, row.number)
            decision = selectors.decision_view(self.user, application, now)
            if decision.may_decide:
                found.append(Asked(application=application, decision=decision))
        return found

    def _decide(self, each: Asked) -> bool:
        """Take the decision that was chosen for one application; False when none was, or when it was refused."""
        data, name = self.request.POST, each.name
        each.how = data.get(f"{name}-how", "") or (
            "approve" if "approve_all" in data and not each.is_blocked else ""
        )
        each.comment = data.get(f"{name}-comment", "").replace("\x00", "")
        if each.how not in _HOW:
            each.how = ""
            return False
        form = DecisionForm(
            {
                "stage_id": data.get(f"{name}-stage_id", ""),
                "content_hash": data.get(f"{name}-content_hash", ""),
                "plan_digest": data.get(f"{name}-plan_digest", ""),
                "comment": each.comment,
            }
        )
        if not form.is_valid():
            each.errors = [problem.text for problem in form.error_summary]
            return False
        try:
            _HOW[each.how](
                application_id=each.application.pk, actor=self.user, now=timezone.now(), **form.cleaned_data
            )
        except errors.ContentChanged:
            each.errors = [_("It has changed since it was shown. Look at it as it is now, then decide.")]
        except errors.InvalidApplication as error:
            each.errors = [text for texts in error.errors.values() for text in texts]
        except (errors.AlreadyDecided, errors.MoveNotAllowed):
            each.errors = [_("Somebody else decided it meanwhile.")]
        except errors.NotAllowed as error:
            each.errors = [str(error.reason)]
        return not each.errors

    def _show(self, bundle: Any, asked: list[Asked], *, problem: str = "", status: int = 200) -> HttpResponse:
        context = {
            "bundle": bundle,
            "asked": asked,
            "problem": problem,
            "asked_at": timezone.now(),
            "blocked": sum(each.is_blocked for each in asked),
        }
        return render(self.request, "requests/bundle_decide.html", context, status=status)
