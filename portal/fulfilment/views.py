"""The screens of network operations: what waits, why, and what a person can do about it (ACC-12)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import View

from portal.common import export
from portal.common.files import FileRefused
from portal.common.pagination import paginate
from portal.fulfilment import errors, gate, registry, selectors, services
from portal.fulfilment.forms import GateForm
from portal.fulfilment.models import Operation, OperationStatus
from portal.fulfilment.selectors import TABS, Filters
from portal.fulfilment.steps import STEPS, Step, explanation, form_class, possible
from portal.fulfilment.tables import OPERATIONS
from portal.orgs import columns
from portal.orgs.models import User
from portal.orgs.permissions import READ_OPERATIONS, RUN_OPERATIONS, Permission
from portal.trail import services as trail

PAGE_SIZE = 50


class OperationsView(View):
    """A view for those who may read operations, or for those who may run them."""

    permission: ClassVar[Permission] = READ_OPERATIONS

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Somebody without the permission gets 403, whatever the operation."""
        if not self.user.may(self.permission):
            raise PermissionDenied(_("Only people of network operations work with operations."))
        response = super().dispatch(request, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "no-store, private")
        return response

    @property
    def user(self) -> User:
        """The person; portal.orgs.middleware has made sure that there is one."""
        assert isinstance(self.request.user, User)
        return self.request.user

    def load(self, pk: int) -> Operation:
        """The operation as it stands now; raises Http404."""
        try:
            return selectors.operation(self.user, pk)
        except Operation.DoesNotExist as error:
            raise Http404 from error


class ListView(OperationsView):
    """What waits, runs, is unknown, needs a person or is done, and how the targets are."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """One page of one tab; the URL holds the whole state of the page. It names people: reading is recorded (SEC-02)."""
        filters = Filters.from_query(request.GET.dict())
        trail.record(
            action="operation.list", now=timezone.now(), actor=self.user, detail={"filters": asdict(filters)}
        )
        table = columns.shown_to(self.user, OPERATIONS)
        found = table.prepared(selectors.operations(self.user, filters))
        page = paginate(found, request.GET.get("cursor"), PAGE_SIZE)
        context = {
            "filters": filters,
            "tabs": selectors.tabs(self.user, filters.tab),
            "targets": selectors.targets(self.user),
            "gate": gate.state(),
            "page": page,
            "table": table,
            "rows": table.rows(page.rows),
            "query": filters.to_query(),
            "may_run": self.user.may(RUN_OPERATIONS),
        }
        return render(request, "fulfilment/list.html", context)


class ExportView(OperationsView):
    """The work list as a file, to go on with when the portal or AD is down (ACC-12)."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The rows of the tab, without secrets; the download is recorded (SEC-02)."""
        filters = Filters.from_query(request.GET.dict())
        kind = export.file_format(request.GET.get("format", ""))
        found = selectors.operations(self.user, filters).order_by("id")
        if (refusal := export.too_many(kind, found)) is not None:
            messages.error(request, refusal)
            return redirect(f"{reverse('operation_list')}?{filters.to_query()}")
        detail = {"filters": filters.to_query(), "format": kind}
        trail.record(action="operation.export", now=timezone.now(), actor=self.user, detail=detail)
        return export.table_response(kind, _("operations"), columns.shown_to(self.user, OPERATIONS), found)


class PrintView(OperationsView):
    """The work list on paper (ACC-12)."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The rows of the tab, the newest first; printing is recorded (SEC-02)."""
        filters = Filters.from_query(request.GET.dict())
        query = filters.to_query()
        trail.record(action="operation.print", now=timezone.now(), actor=self.user, detail={"filters": query})
        found = selectors.operations(self.user, filters).order_by("-id")
        context = export.print_context(found, columns.shown_to(self.user, OPERATIONS))
        tab = TABS[filters.tab][0] if filters.tab else filters.application
        context |= {
            "heading": _("Fulfilment"),
            "list_url": f"{reverse('operation_list')}?{query}",
            "filters": _(", ").join(filter(None, (str(tab), filters.q))),
        }
        return render(request, "components/list_print.html", context)


class DetailView(OperationsView):
    """One operation: what is known, what happened, what a person can do."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The page, or only its moving part for htmx while a worker is at it. Opening the page leaves a trace (SEC-02)."""
        operation = self.load(pk)
        context = {
            "operation": operation,
            "steps": possible(operation) if self.user.may(RUN_OPERATIONS) else [],
            "remedy": self._remedy(operation),
            "files": selectors.files_of(self.user, operation.application_number).filter(operation=operation),
            "is_running": operation.status == OperationStatus.RUNNING,
            "facts": _facts(operation),
        }
        if request.headers.get("HX-Request") == "true":
            return render(request, "fulfilment/_state.html", context)
        _record_view(operation, self.user, "operation.view")
        return render(request, "fulfilment/detail.html", context)

    def _remedy(self, operation: Operation) -> registry.Remedy | None:
        if operation.status != OperationStatus.ATTENTION or not self.user.may(RUN_OPERATIONS):
            return None
        return registry.remedy_for(operation.kind, operation.error_code)


class SheetView(OperationsView):
    """The work sheet for print (作業指示書): all that a person needs to carry it out by hand, no secret."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Opening it leaves a trace (SEC-02)."""
        operation = self.load(pk)
        _record_view(operation, self.user, "operation.sheet")
        context = {"operation": operation, "rows": selectors.work_sheet(operation)}
        return render(request, "fulfilment/sheet.html", context)


class StepView(OperationsView):
    """A step of a person: the page asks once more, the POST acts."""

    permission = RUN_OPERATIONS
    step: Step = STEPS[0]

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What will happen, and what has to be written down."""
        operation = self.load(pk)
        if not self.step.is_open_to(operation):
            return self._too_late(operation)
        return self._page(operation, form_class(self.step, operation)(initial=self._initial()))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One service call. What was written stays in the form when it cannot be done (409, 422)."""
        operation = self.load(pk)
        form = form_class(self.step, operation)(request.POST, request.FILES)
        if not form.is_valid():
            return self._page(operation, form, status=422)
        try:
            changed = self.step.service(
                operation_id=pk, actor=self.user, now=timezone.now(), **form.cleaned_data
            )
        except errors.NotAllowed as error:
            raise PermissionDenied(_("Only people of network operations work with operations.")) from error
        except errors.MoveNotAllowed:
            return self._too_late(self.load(pk))
        except FileRefused as error:
            form.add_error("attachments", error.reason)
            return self._page(operation, form, status=422)
        return self._answer(changed)

    def _initial(self) -> dict[str, str]:
        """Mostly it was this person, just now; fields that a form does not have are ignored."""
        now = timezone.localtime()
        return {
            "done_on": f"{now:%Y/%m/%d}",
            "done_at": f"{now:%H:%M}",
            "done_by": f"{self.user.organisation.name} {self.user.display_name}",
        }

    def _answer(self, operation: Operation) -> HttpResponse:
        if self.step.name == "record" and operation.status != OperationStatus.DONE:
            messages.error(
                self.request, _("The target differs from the application. It is not recorded as done.")
            )
        else:
            messages.success(self.request, _("Done: %(step)s") % {"step": self.step.label})
        return redirect("operation_detail", pk=operation.pk)

    def _page(self, operation: Operation, form: Any, status: int = 200) -> HttpResponse:
        context = {
            "operation": operation,
            "step": self.step,
            "explanation": explanation(self.step, operation),
            "form": form,
            "problems": form.error_summary if form.is_bound else (),
        }
        return render(self.request, "fulfilment/step.html", context, status=status)

    def _too_late(self, operation: Operation) -> HttpResponse:
        context = {"operation": operation, "step": self.step, "last": operation.events.last()}
        return render(self.request, "fulfilment/too_late.html", context, status=409)


class TargetView(OperationsView):
    """Maintenance mode of a target, on and off."""

    permission = RUN_OPERATIONS
    pause = True

    def post(self, request: HttpRequest, target: str) -> HttpResponse:
        """A target that nobody knows is 404, so that no row is made for a mistyped name."""
        if target not in {known.name for known in selectors.targets(self.user)}:
            raise Http404
        act = services.pause_target if self.pause else services.resume_target
        act(target=target, actor=self.user, now=timezone.now())
        text = (
            _("Nothing is sent to this target until you resume it.") if self.pause else _("The work goes on.")
        )
        messages.success(request, text)
        return redirect("operation_list")


def _record_view(operation: Operation, user: User, action: str) -> None:
    trail.record(
        action=action,
        now=timezone.now(),
        actor=user,
        object_type="operation",
        object_id=operation.pk,
        object_label=operation.application_number,
        object_organisation_id=operation.organisation_id,
    )


def _facts(operation: Operation) -> list[tuple[str, str]]:
    """What was read back, as text; nested values keep their JSON look."""
    return [(name, str(value)) for name, value in sorted(operation.evidence.items())]


class GateView(OperationsView):
    """Hold the queue until everything was compared with the targets, or let it run all the same (ACC-12)."""

    permission = RUN_OPERATIONS
    close = True

    def get(self, request: HttpRequest) -> HttpResponse:
        """What it does, and the question why."""
        return self.page(request, GateForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Do it, with the reason."""
        form = GateForm(request.POST)
        if not form.is_valid():
            return self.page(request, form, status=422)
        service = gate.close if self.close else gate.open_by_hand
        service(actor=self.user, note=form.cleaned_data["reason"], now=timezone.now())
        done = (
            _("The queue is held. It goes on when everything was compared.")
            if self.close
            else _("The queue runs again.")
        )
        messages.success(request, done)
        return redirect("operation_list")

    def page(self, request: HttpRequest, form: GateForm, status: int = 200) -> HttpResponse:
        """The form with what was typed."""
        context = {"form": form, "closing": self.close, "gate": gate.state()}
        context["problems"] = form.error_summary if form.is_bound else []
        return render(request, "fulfilment/gate.html", context, status=status)
