"""The screens of the logs: files, machines, coverage, mapping, and what counts as the application."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.cycles.models import AuditCycle, first_of_month
from audit.imports import coverage, findings, hosts, loading, mappings, preview, selectors, storing
from audit.imports.errors import AlreadyThere, FileRefused, Refused
from audit.imports.forms import AccessForm, FileForm, HostForm, MappingForm
from audit.imports.models import ApplicationAccess, Host, LogImport, LogMapping
from audit.reconciliation.models import LogKind
from portal.common.pagination import paginate
from portal.common.time import today
from portal.fulfilment.mappings import MappingChanged, seen_of
from portal.orgs.models import Organisation
from portal.orgs.permissions import FEDERATIONS, IMPORT_LOGS, READ_LOGS
from portal.trail import services as trail
from portal.trail.sensitive import ReasonForm
from portal.workflow.views import PersonView

PAGE_SIZE = 50


class LogsView(PersonView):
    """For those who import, and for those who make and check reports."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Anybody else gets 403."""
        if request.user.is_authenticated and not self.user.may(READ_LOGS):
            raise PermissionDenied(_("Your role does not allow you to see logs."))
        return super().dispatch(request, *args, **kwargs)

    def require(self) -> None:
        """Reading is not importing."""
        if not self.user.may(IMPORT_LOGS):
            raise PermissionDenied(_("Only network operations import logs."))

    def shown(self, template: str, status: int = 200, **context: Any) -> HttpResponse:
        """The page, with what all of them need."""
        context |= {"may_import": self.user.may(IMPORT_LOGS)}
        return render(self.request, f"audit/imports/{template}.html", context, status=status)


class ImportsView(LogsView):
    """The files, and the form for the next."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Newest first."""
        month = first_of_month(today(timezone.now()))
        return self.page(FileForm(initial={"month": f"{month:%Y-%m}", "log_kind": LogKind.DATABASE}))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Keep a file; its page shows what would become of it."""
        self.require()
        form = FileForm(request.POST, request.FILES)
        if not form.is_valid():
            return self.page(form, status=422)
        file, values = form.cleaned_data.pop("file"), form.cleaned_data
        try:
            made = storing.store_file(
                **values, name=file.name, file=file, actor=self.user, now=timezone.now()
            )
        except AlreadyThere as there:
            messages.info(request, _("This very file was brought before. Here it is; nothing was changed."))
            return redirect("log_import", there.earlier.pk)
        except FileRefused as refused:
            form.add_error("file", refused.reason)
            return self.page(form, status=422)
        return redirect("log_import", made.pk)

    def page(self, form: FileForm, status: int = 200) -> HttpResponse:
        """The list and the form."""
        return self.shown(
            "list",
            status,
            page=paginate(selectors.imports(), self.request.GET.get("cursor"), PAGE_SIZE),
            query="",
            form=form,
            problems=form.error_summary if form.is_bound else [],
            unknown=selectors.unknown_count(),
            taking_in=selectors.lines_being_taken_in(),
        )


class ImportView(LogsView):
    """One file: what it would become, how far it is, or what it brought."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The fragment alone while htmx asks how far it is."""
        return self.page(self.load(pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The preview with whole names, after the reason was recorded (SEC-02)."""
        self.require()
        made, form = self.load(pk), ReasonForm(request.POST, prefix="reveal")
        if not form.is_valid():
            return self.page(made, reveal=form, status=422)
        if made.state != LogImport.State.UPLOADED:
            return redirect("log_import", made.pk)
        page = self.page(made, whole=True)
        self.record("reveal", made, **form.reason().detail)
        return page

    def record(self, verb: str, made: LogImport, **detail: Any) -> None:
        """Looking at rows of the log leaves a trace (SEC-02)."""
        trail.record(
            action=f"logs.{verb}",
            now=timezone.now(),
            actor=self.user,
            object_type="log_import",
            object_id=made.pk,
            detail=detail,
        )

    def load(self, pk: int) -> LogImport:
        """The file or 404."""
        rows = selectors.imports().select_related("mapping__made_by", "allowed__made_by", "started_by")
        found = rows.filter(pk=pk).first()
        if found is None:
            raise Http404
        return found

    def page(
        self,
        made: LogImport,
        refused: str = "",
        status: int = 200,
        *,
        reveal: ReasonForm | None = None,
        whole: bool = False,
    ) -> HttpResponse:
        """Rows of the log are shown in the preview: that is recorded (SEC-02)."""
        shown = None
        if made.state == LogImport.State.UPLOADED and self.user.may(IMPORT_LOGS):
            shown = preview.preview_of(made, timezone.now(), whole=whole)
            self.record("preview", made)
        template = "_state" if self.request.headers.get("HX-Request") else "detail"
        return self.shown(
            template,
            status,
            made=made,
            preview=shown,
            whole=whole,
            reveal=reveal or ReasonForm(prefix="reveal"),
            problems=reveal.error_summary if reveal is not None else [],
            refused=refused,
            said=findings.worded(made.findings),
            months=_months(made),
            percent=made.lines_done * 100 // max(made.line_count, 1),
        )


class StepView(ImportView):
    """A step on one file; the service says whether it can be taken."""

    service: Any
    done = ""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """There is nothing to see here."""
        return redirect("log_import", self.load(pk).pk)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One service call."""
        self.require()
        made = self.load(pk)
        try:
            type(self).service(import_id=made.pk, actor=self.user, now=timezone.now())
        except Refused as refused:
            return self.page(made, refused.reason, status=422)
        messages.success(request, self.words())
        return redirect("log_import", made.pk)

    def words(self) -> str:
        """What is said when it was done."""
        raise NotImplementedError


class StartView(StepView):
    """Import it."""

    service = staticmethod(loading.start)

    def words(self) -> str:
        """See StepView."""
        return _("The import begins. You may leave this page.")


class DiscardView(StepView):
    """Do not import it."""

    service = staticmethod(loading.discard)

    def words(self) -> str:
        """See StepView."""
        return _("The file is not imported.")


def _months(made: LogImport) -> list[dict[str, Any]]:
    """Which months the rows belong to, the one it was brought for first."""
    own = f"{made.month:%Y-%m}"
    found = made.findings.get("months", {})
    late = {code for values in found.values() for code in values["late"]}
    names = {place.code: place.short_name for place in Organisation.objects.filter(code__in=late)}
    return [
        {
            "key": key,
            "own": key == own,
            "rows": values["rows"],
            "late": [(code, names.get(code, code), count) for code, count in values["late"].items()],
        }
        for key, values in sorted(found.items(), key=lambda entry: (entry[0] != own, entry[0]))
    ]


class HostsView(LogsView):
    """The register of machines, the form for the next, and machines that nobody registered."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """By federation."""
        first = first_of_month(today(timezone.now()))
        initial = {"name": request.GET.get("name", "")[:100], "first_day": first, "involves_number": True}
        return self.page(HostForm(organisations=self.federations(), initial=initial))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Register one; rows that waited for it are taken in."""
        self.require()
        places = self.federations()
        form = HostForm(request.POST, organisations=places)
        if not form.is_valid():
            return self.page(form, status=422)
        values = form.cleaned_data
        values["organisation"] = next(place for place in places if place.code == values["organisation"])
        try:
            hosts.register_host(**values, actor=self.user, now=timezone.now())
        except hosts.WrongField as wrong:
            form.add_error(wrong.field, wrong.reason)
            return self.page(form, status=422)
        messages.success(request, _("The machine is registered. Rows that waited for it are taken in."))
        return redirect("log_hosts")

    def federations(self) -> list[Organisation]:
        """Whose a machine can be."""
        return list(Organisation.objects.filter(kind__in=FEDERATIONS))

    def page(self, form: HostForm, status: int = 200) -> HttpResponse:
        """The list and the form."""
        code = self.request.GET.get("organisation", "")
        return self.shown(
            "hosts",
            status,
            hosts=selectors.hosts(self.user, code),
            unknown=selectors.unknown_hosts(),
            unknown_count=selectors.unknown_count(),
            taking_in=selectors.lines_being_taken_in(),
            form=form,
            problems=form.error_summary if form.is_bound else [],
        )


class HostView(LogsView):
    """What is expected of one machine."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form."""
        self.require()
        host = self.load(pk)
        return self.page(host, HostForm.of(host), str(host.version))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One service call; what was typed stays."""
        self.require()
        host, form, version = self.load(pk), HostForm(request.POST), request.POST.get("version", "")
        if not form.is_valid():
            return self.page(host, form, version, status=422)
        seen = int(version) if version.isdecimal() and len(version) < 9 else 0
        try:
            hosts.change_host(
                host_id=pk, version=seen, actor=self.user, now=timezone.now(), **form.cleaned_data
            )
        except hosts.Changed:
            form.add_error(None, _("Somebody changed this meanwhile. Look again before you save."))
            return self.page(host, form, str(host.version), status=409)
        except hosts.WrongField as wrong:
            form.add_error(wrong.field, wrong.reason)
            return self.page(host, form, version, status=422)
        messages.success(request, _("Saved."))
        return redirect("log_hosts")

    def load(self, pk: int) -> Host:
        """The machine or 404."""
        found = selectors.hosts(self.user).filter(pk=pk).first()
        if found is None:
            raise Http404
        return found

    def page(self, host: Host, form: HostForm, version: str, status: int = 200) -> HttpResponse:
        """The form and what was there."""
        problems = form.error_summary if form.is_bound else []
        return self.shown("host", status, host=host, form=form, version=version, problems=problems)


class CoverageView(LogsView):
    """Federations × days."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The newest month unless another is asked for."""
        months = list(AuditCycle.objects.order_by("-month")[:24])
        asked, kind = request.GET.get("month", ""), request.GET.get("log", LogKind.DATABASE)
        cycle = next((month for month in months if month.key == asked), months[0] if months else None)
        if kind not in LogKind.values:
            kind = LogKind.DATABASE
        lines = coverage.coverage_map(self.user, cycle, kind, timezone.now()) if cycle else []
        return self.shown(
            "coverage",
            months=months,
            cycle=cycle,
            kind=kind,
            kinds=coverage.log_kinds(),
            days=coverage.days_of(cycle) if cycle else [],
            lines=lines,
            gaps=[line for line in lines if line.gaps],
            unwatched=coverage.unwatched(cycle, kind) if cycle else [],
            legend=coverage.STATES.items(),
        )


class VersionedView(LogsView):
    """A page whose content is saved as a new version."""

    model: type[LogMapping] | type[ApplicationAccess]
    template = ""

    def page(
        self, form: Any, seen: str, status: int = 200, *, saved: bool = False, **context: Any
    ) -> HttpResponse:
        """The form and who changed it when."""
        versions = self.model._default_manager.select_related("made_by")[:20]
        problems = form.error_summary if form.is_bound else []
        return self.shown(
            self.template, status, form=form, seen=seen, versions=versions, problems=problems, **context
        )

    def current(self) -> str:
        """The version in force, as the form names it."""
        found = self.model._default_manager.first()
        return str(found.pk) if found else ""

    def changed(self, form: Any) -> HttpResponse:
        """Somebody was faster."""
        form.add_error(None, _("Somebody changed this meanwhile. Look again before you save."))
        return self.page(form, self.current(), status=409)


class MappingView(VersionedView):
    """How one log is read."""

    model, template = LogMapping, "mapping"

    def get(self, request: HttpRequest, log_kind: str) -> HttpResponse:
        """The mapping in force."""
        current = mappings.current_mapping()
        return self.page(MappingForm.of(mappings.layout_of(current, log_kind)), self.current())

    def post(self, request: HttpRequest, log_kind: str) -> HttpResponse:
        """Put another one in force."""
        self.require()
        form, seen = MappingForm(request.POST, log_kind=log_kind), request.POST.get("seen", "")
        if not form.is_valid():
            return self.page(form, seen, status=422)
        try:
            mappings.save_layout(
                layout=form.layout(), seen=seen_of(seen), actor=self.user, now=timezone.now()
            )
        except mappings.InvalidMapping as problems:
            form.show(problems)
            return self.page(form, seen, status=422)
        except MappingChanged:
            return self.changed(form)
        messages.success(request, _("Saved. It is in force from the next file on."))
        return redirect("log_mapping", log_kind)

    def page(self, form: MappingForm, seen: str, status: int = 200, **context: Any) -> HttpResponse:
        """With the name of the log."""
        kind = LogKind(form.log_kind)
        others = [other for other in LogKind if other != kind]
        return super().page(form, seen, status, kind=kind, others=others, **context)


class AccessView(VersionedView):
    """What counts as the application."""

    model, template = ApplicationAccess, "application"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list in force."""
        entries = mappings.allow_list(mappings.current_access()).entries
        return self.page(AccessForm(entries=entries), self.current())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Put another one in force."""
        self.require()
        form, seen = AccessForm(request.POST), request.POST.get("seen", "")
        if not form.is_valid():
            return self.page(form, seen, status=422)
        found = form.entries()
        places, entries = list(found), list(found.values())
        for place, text in mappings.check_access(entries).items():
            form.add_error(f"account-{places[place]}", text)
        if form.errors:
            return self.page(form, seen, status=422)
        try:
            mappings.save_access(entries=entries, seen=seen_of(seen), actor=self.user, now=timezone.now())
        except MappingChanged:
            return self.changed(form)
        messages.success(request, _("Saved. It is in force from the next file on."))
        return redirect("log_application")
