"""One application as a page: what is asked, what will change, where it stands, and what this person can do about it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import View

from portal.fulfilment.models import Operation
from portal.orgs.models import Organisation, User
from portal.trail import services as trail
from portal.workflow import errors, freezing, fulfilling, kinds, related, selectors
from portal.workflow.bulk import selectors as bulk
from portal.workflow.forms import AskedDecisionForm, CommentForm
from portal.workflow.models import Application, ApplicationEvent, ApprovalStage, StageStatus, Status
from portal.workflow.plans import Plan
from portal.workflow.reports import arriving, telling
from portal.workflow.reports.forms import ToldForm
from portal.workflow.verbs import Verb

Found = TypeVar("Found")
ATTENTION_SHOWN = 30  # of the lines that need attention; the rest is in pages and in the file


class PersonView(View):
    """A view of a person who is logged in. What it shows is personal: no browser and no proxy keeps it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refusals of a service become 403, with the reason on the page."""
        try:
            response = super().dispatch(request, *args, **kwargs)
        except errors.NotAllowed as error:
            raise PermissionDenied(error.reason) from error
        response.headers.setdefault("Cache-Control", "no-store, private")
        return response

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """405 in words: an address that only a button can call was opened as a page."""
        response = render(request, "405.html", {"number": self.kwargs.get("number", "")}, status=405)
        response["Allow"] = ", ".join(name.upper() for name in self.http_method_names if hasattr(self, name))
        return response

    @property
    def user(self) -> User:
        """The person; portal.orgs.middleware has made sure that there is one."""
        assert isinstance(self.request.user, User)
        return self.request.user

    def one(self, select: Callable[..., Found], *key: Any) -> Found:
        """What the selector finds for the person; what they may not see is as unknown as none (ORG-02)."""
        try:
            return select(self.user, *key)
        except ObjectDoesNotExist as error:
            raise Http404 from error

    def seen(self, kind: str, key: Any, label: str, organisation_id: int) -> None:
        """Opening the page of one thing leaves a trace (SEC-02)."""
        trail.record(
            action=f"{kind}.view",
            now=timezone.now(),
            actor=self.user,
            object_type=kind,
            object_id=key,
            object_label=label,
            object_organisation_id=organisation_id,
        )


class ApplicationView(PersonView):
    """A view of one application. Another federation's is as unknown as none (ORG-02); a late click is told so (409)."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Steps that came too late answer 409 with the page that says what happened."""
        try:
            return super().dispatch(request, *args, **kwargs)
        except (errors.MoveNotAllowed, errors.AlreadyDecided) as error:
            return too_late(request, self.load(kwargs["number"]), error)

    def load(self, number: str) -> Application:
        """The application as it stands now; raises Http404 when this person may not see it."""
        try:
            return selectors.application(self.user, number)
        except Application.DoesNotExist as error:
            raise Http404 from error


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the bar at the top of the page."""

    label: str
    state: str  # "done", "now", "stop" or ""
    at: dt.datetime | None = None
    due_on: dt.date | None = None


class DetailView(ApplicationView):
    """The application for everybody who may see it; for those who decide, the decision."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """Reading personal data leaves a trace (SEC-02)."""
        application = self.load(number)
        arriving.note_read(application, reader=self.user, now=timezone.now())
        trail.record(
            action="application.view",
            now=timezone.now(),
            actor=self.user,
            object_type="application",
            object_id=application.pk,
            object_label=application.number,
            object_organisation_id=application.organisation_id,
        )
        return render_application(request, application)


def render_application(
    request: HttpRequest,
    application: Application,
    *,
    form: AskedDecisionForm | None = None,
    error: errors.WorkflowError | None = None,
    told: ToldForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page of an application; with `form` or `told`, what was typed stays; with `error`, it says what has changed."""
    assert isinstance(request.user, User)
    user, now = request.user, timezone.now()
    decision = selectors.decision_view(user, application, now)
    seen = {
        "stage_id": decision.stage.pk if decision.stage else None,
        "content_hash": application.content_hash,
        "plan_digest": decision.plan_digest,
    }
    if form is not None and error is not None:  # decide anew, on what is shown now
        form = AskedDecisionForm(initial={**seen, "comment": form.data.get("comment", "")})
    lines = selectors.shown_lines(application)
    kind = kinds.get(application.kind)
    carried_out = _carried_out(user, application, kind)
    waiting = selectors.inbox(user, now).exclude(pk=application.pk)
    shown = _with_plans(lines, decision.plans, application.organisation, carried_out["operations"])
    context = {
        "application": application,
        "kind": kind,
        **shown_or_summed_up(kind, shown),
        "actions": selectors.actions(user, application),
        "decision": decision,
        "form": form or AskedDecisionForm(initial=seen),
        "withdraw_form": CommentForm(prefix="withdraw"),
        "freezes": freezing.concerning(application, now),
        "shown_report": telling.shown(user, application),
        "told_form": told or ToldForm(prefix="told"),
        "problems": form.error_summary if form is not None and form.is_bound else [],
        "error": error,
        "steps": steps(application),
        "events": _history(application),
        "revision_changes": selectors.revision_changes(application),
        "related": related.related_to(user, application),
        **carried_out,
        "next_in_inbox": waiting.order_by("due_on", "id").first() if decision.may_decide or error else None,
        "asked": decision.may_decide
        and bool(decision.plan_digest),  # else the target did not answer (ACC-12)
        "asked_at": now,
        "waits_until": selectors.waits_until(application, now),
    }
    return render(request, "workflow/detail.html", context, status=status)


def _with_plans(
    lines: list[selectors.ShownLine],
    plans: list[Plan],
    organisation: Organisation,
    operations: list[Operation],
) -> list[dict[str, Any]]:
    """Each line with its operations and the plan to show: the live one where it was asked, else the frozen one."""
    of_line: dict[int, list[Operation]] = {}
    for operation in operations:
        of_line.setdefault(operation.line_id, []).append(operation)
    for shown in lines:
        shown.line.organisation = organisation  # the same for all: no statement per line
    live: list[Plan | None] = [*plans, *([None] * (len(lines) - len(plans)))]
    return [
        {
            "line": shown.line,
            "payload": shown.payload,
            "plan": plan or shown.plan,
            "result": fulfilling.result_text(shown.line),
            "operations": of_line.get(shown.line.pk, []),
        }
        for shown, plan in zip(lines, live, strict=False)
    ]


def shown_or_summed_up(kind: kinds.ApplicationKind[Any], lines: list[dict[str, Any]]) -> dict[str, Any]:
    """A card for each line; of many, a summary and the lines that need attention first (ACC-13)."""
    if not kind.is_bulk(len(lines)):
        return {"lines": lines}
    plans = {position: line["plan"] or Plan() for position, line in enumerate(lines)}
    summary = bulk.summary(plans)
    attention = [{**lines[n], "number": n + 1} for n in summary.attention[:ATTENTION_SHOWN]]
    return {"lines": [], "summary": summary, "attention": attention}


def _carried_out(user: User, application: Application, kind: kinds.ApplicationKind[Any]) -> dict[str, Any]:
    """The operations of a few lines one by one, of many as counts."""
    if kind.is_bulk(application.line_count):
        progress = bulk.progress(user, application)
        return {"operations": [], "progress": progress if progress.total else None}
    rows = Operation.objects.visible_to(user).filter(line__application=application)
    return {"operations": list(rows)}


def _history(application: Application) -> list[ApplicationEvent]:
    """What happened, newest first, each with the words of its verb."""
    events = list(application.events.all())[::-1]
    for event in events:
        event.verb_label = Verb(event.verb).label if event.verb in Verb.values else event.verb  # type: ignore[attr-defined]
    return events


_STAGE_STATES: dict[str, str] = {
    StageStatus.APPROVED: "done",
    StageStatus.OPEN: "now",
    StageStatus.REJECTED: "stop",
    StageStatus.RETURNED: "stop",
}


def steps(application: Application) -> list[Step]:
    """Submission, every stage of the current revision, and the carrying out."""
    submitted = application.submitted_at is not None and not application.is_editable
    first = Step(
        label=_("Application"),
        state="done" if submitted else "now",
        at=application.submitted_at if submitted else None,
    )
    stages = [stage for stage in application.stages.all() if stage.revision == application.revision]
    last = Step(label=_("Carrying out"), state=_carrying_out(application), at=application.completed_at)
    return [first, *map(_stage_step, stages), last]


def _stage_step(stage: ApprovalStage) -> Step:
    open_ = stage.status == StageStatus.OPEN
    return Step(
        label=_(stage.label),
        state=_STAGE_STATES.get(stage.status, ""),
        at=stage.decided_at,
        due_on=stage.due_on if open_ else None,
    )


def _carrying_out(application: Application) -> str:
    if application.status == Status.COMPLETED:
        return "done"
    if application.status in {Status.FULFILLING, Status.PARTLY_COMPLETED, Status.NEEDS_ATTENTION}:
        return "now"
    return "stop" if application.status == Status.NOT_DONE else ""


def too_late(request: HttpRequest, application: Application, error: errors.WorkflowError) -> HttpResponse:
    """409: somebody was faster. Says who, when and what, and gives back the comment that was typed."""
    context = {
        "application": application,
        "kind": kinds.get(application.kind),
        "stage": getattr(error, "stage", None),
        "comment": request.POST.get("comment", ""),
    }
    return render(request, "workflow/too_late.html", context, status=409)


def to_detail(application: Application) -> HttpResponse:
    """Back to the page of the application."""
    return redirect("application_detail", number=application.number)


class StepView(ApplicationView):
    """A step of the applicant: POST only."""

    http_method_names = ["post", "options"]  # noqa: RUF012
