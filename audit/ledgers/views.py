"""The screens of the two ledgers: list, one work with its history, entering, changing and cancelling it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.ledgers import selectors, services
from audit.ledgers.forms import CancelForm, ChangeForm, WorkFilterForm, WorkForm, shown_values
from audit.ledgers.importing import places_of
from audit.ledgers.models import Ledger, WorkEntry
from audit.ledgers.tables import WORKS, state_chip
from audit.ledgers.types import KnownTypes
from portal.orgs.models import Organisation
from portal.orgs.permissions import READ_LEDGERS
from portal.trail import services as trail
from portal.workflow import registers
from portal.workflow.registers import ListMixin, PrintMixin, ReasonedExportMixin
from portal.workflow.views import PersonView
from requests.enquiries.errors import NotAllowed, Refused

ADDRESSES = {Ledger.CENTRAL: "ledger_central", Ledger.FEDERATION: "ledger_federation"}


class LedgersView(PersonView):
    """A view for those who may read ledgers."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Somebody without the permission gets 403, whatever the work."""
        if request.user.is_authenticated and not self.user.may(READ_LEDGERS):
            raise PermissionDenied(_("Your role does not allow you to see the ledgers."))
        try:
            return super().dispatch(request, *args, **kwargs)
        except NotAllowed as error:
            raise PermissionDenied(error.reason) from error

    def load(self, pk: int) -> WorkEntry:
        """What the person may not see is as unknown as none (ORG-02)."""
        try:
            return selectors.work(self.user, pk)
        except WorkEntry.DoesNotExist as error:
            raise Http404 from error


class OneLedgerView(LedgersView):
    """A view of one of the two ledgers."""

    ledger: ClassVar[str] = Ledger.CENTRAL

    @property
    def may_write(self) -> bool:
        """Whether the person enters works here."""
        return services.may_write(self.user, self.ledger)

    def address(self, name: str) -> str:
        """A page of this ledger."""
        return reverse(f"{ADDRESSES[Ledger(self.ledger)]}_{name}")


class LedgerRegisterView(OneLedgerView, registers.RegisterView):
    """What the three views of a ledger list."""

    names = ("q", "state", "work_type", "worker", "month", "organisation")
    action = "work"
    template = "audit/ledgers/list.html"

    @property
    def table(self) -> Any:  # type: ignore[override]
        """The columns."""
        return WORKS[self.ledger]

    @property
    def heading(self) -> str:  # type: ignore[override]
        """The name of the ledger."""
        return str(Ledger(self.ledger).label)

    def record(self, verb: str, filters: dict[str, str], **more: Any) -> None:
        """With the ledger."""
        super().record(verb, filters, ledger=self.ledger, **more)

    def found(self, filters: dict[str, str]) -> Any:
        """The works that the filters leave."""
        return selectors.works(self.user, ledger=self.ledger, **filters)

    def form(self, *args: Any, **kwargs: Any) -> WorkFilterForm:
        """The search."""
        types = [(code, found.name) for code, found in KnownTypes().current(timezone.localdate()).items()]
        return WorkFilterForm(*args, organisations=selectors.organisations(self.user), types=types, **kwargs)

    def more(self) -> dict[str, Any]:
        """What the page offers."""
        return {
            "heading": self.heading,
            "is_central": self.ledger == Ledger.CENTRAL,
            "may_write": self.may_write,
            "sees_all": self.user.reads_everywhere(READ_LEDGERS),
            "export_url": self.address("export"),
            "print_url": self.address("print"),
            "new_url": self.address("new"),
            "file_url": self.address("file"),
        }


class ListView(ListMixin, LedgerRegisterView):
    """The works that this person may see."""


class ExportView(ReasonedExportMixin, LedgerRegisterView):
    """As a file, with a reason."""


class PrintView(PrintMixin, LedgerRegisterView):
    """On paper."""


class WriterView(OneLedgerView):
    """For those who keep the ledger."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Anybody else gets 403."""
        if request.user.is_authenticated and not self.may_write:
            raise PermissionDenied(_("Only its keeper writes in this ledger."))
        return super().dispatch(request, *args, **kwargs)


class NewView(WriterView):
    """Enter a work."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """With ?copy= it begins with what another work says."""
        initial: dict[str, Any] = {}
        sent = request.GET.get("copy", "")
        if sent.isascii() and sent.isdigit() and len(sent) < 10:
            initial = shown_values(self.load(int(sent)))
            initial = {k: v for k, v in initial.items() if not k.startswith("actual_")}
        return self.page(self.form(initial=initial))

    def post(self, request: HttpRequest) -> HttpResponse:
        """422 with what was typed when it cannot be entered, or overlaps with another work that nobody looked at yet."""
        form = self.form(request.POST)
        if not form.is_valid():
            return self.page(form, status=422)
        overlaps = seen_overlaps(self, form, form.place())
        if overlaps:
            return self.page(form, overlaps=overlaps, status=422)
        try:
            made = services.enter(
                ledger=self.ledger,
                organisation=form.place(),
                values=form.values(),
                work_number=form.cleaned_data["work_number"],
                actor=self.user,
                now=timezone.now(),
            )
        except Refused as refused:
            form.refuse(refused)
            return self.page(form, status=422)
        messages.success(request, _("Entered: %(number)s") % {"number": made.work_number})
        return redirect("work", made.pk)

    def form(self, *args: Any, **kwargs: Any) -> WorkForm:
        """For the federations for which the person enters works."""
        return WorkForm(
            *args,
            organisations=places_of(self.ledger, self.user),
            types=KnownTypes().offered(timezone.localdate()),
            **kwargs,
        )

    def page(self, form: WorkForm, *, overlaps: Any = (), status: int = 200) -> HttpResponse:
        """The form."""
        context = {
            "form": form,
            "heading": Ledger(self.ledger).label,
            "list_url": self.address("list"),
            "overlaps": overlaps,
            "overlaps_seen": _digest(overlaps),
            "problems": form.error_summary if form.is_bound else [],
        }
        return render(self.request, "audit/ledgers/work_form.html", context, status=status)


def seen_overlaps(
    view: LedgersView, form: WorkForm, organisation: Organisation, besides: int | None = None
) -> list[selectors.Overlap]:
    """The works that overlap, unless the person ticked that these very ones are right."""
    values = form.values()
    found = selectors.overlapping(
        view.user,
        organisation_id=organisation.pk,
        begin=values.actual_from or values.planned_from,
        end=values.actual_until or values.planned_until,
        accounts=values.accounts,
        hosts=values.hosts,
        besides=besides,
    )
    return [] if view.request.POST.get("overlaps_seen") == _digest(found) else found


def _with(data: Any, name: str, value: Any) -> Any:
    """What was sent, with one value as it is now."""
    changed = data.copy()
    changed[name] = str(value)
    return changed


def _digest(overlaps: Any) -> str:
    return "-".join(sorted(str(each.work.pk) for each in overlaps))


class DetailView(LedgersView):
    """One work: what it says, its history, what overlaps with it; its keeper cancels it here."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Reading it leaves a trace (SEC-02)."""
        entry = self.load(pk)
        trail.record(
            action="work.view",
            now=timezone.now(),
            actor=self.user,
            object_type="work",
            object_id=entry.pk,
            object_label=entry.work_number,
            object_organisation_id=entry.organisation_id,
        )
        return self.page(entry)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Cancel it."""
        entry = self.load(pk)
        if not services.may_write(self.user, entry.ledger, entry.organisation_id):
            raise PermissionDenied(_("Only its keeper writes in this ledger."))
        form = CancelForm(request.POST, prefix="cancel")
        if not form.is_valid():
            return self.page(entry, form, status=422)
        try:
            services.cancel(entry_id=entry.pk, **form.cleaned_data, actor=self.user, now=timezone.now())
        except Refused as refused:
            form.refuse(refused)
            return self.page(self.load(pk), form, status=422)
        messages.success(request, _("Cancelled. Logs of this work are a mismatch from now on."))
        return redirect("work", pk)

    def page(self, entry: WorkEntry, form: CancelForm | None = None, status: int = 200) -> HttpResponse:
        """With the forms that are the person's."""
        names = {code: found.name for code, found in KnownTypes().current(timezone.localdate()).items()}
        may_write = services.may_write(self.user, entry.ledger, entry.organisation_id) and not entry.cancelled
        if form is not None and form.is_bound:  # what they see from here on
            form.data = _with(form.data, "cancel-version", entry.version)
        context = {
            "entry": entry,
            "chip": state_chip(entry),
            "ledger_url": reverse(f"{ADDRESSES[Ledger(entry.ledger)]}_list"),
            "new_url": reverse(f"{ADDRESSES[Ledger(entry.ledger)]}_new"),
            "history": selectors.history(entry, names),
            "overlaps": []
            if entry.cancelled
            else selectors.overlapping(
                self.user,
                organisation_id=entry.organisation_id,
                begin=entry.actual_from or entry.planned_from,
                end=entry.actual_until or entry.planned_until,
                accounts=entry.accounts,
                hosts=entry.hosts,
                besides=entry.pk,
            ),
            "may_write": may_write,
            "form": (form or CancelForm(prefix="cancel", initial={"version": entry.version}))
            if may_write
            else None,
            "problems": form.error_summary if form is not None else [],
        }
        return render(self.request, "audit/ledgers/work.html", context, status=status)


class ChangeView(LedgersView):
    """Change a work, with the reason."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """As it stands."""
        entry = self.editable(pk)
        return self.page(entry, self.form(entry, initial=shown_values(entry)))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What somebody else changed meanwhile is not overwritten; what was typed stays."""
        entry = self.editable(pk)
        form = self.form(entry, request.POST)
        if not form.is_valid():
            return self.page(entry, form, status=422)
        overlaps = seen_overlaps(self, form, entry.organisation, besides=entry.pk)
        if overlaps:
            return self.page(entry, form, overlaps=overlaps, status=422)
        try:
            services.change(
                entry_id=entry.pk,
                version=form.cleaned_data["version"],
                values=form.values(),
                reason=form.cleaned_data["reason"],
                actor=self.user,
                now=timezone.now(),
            )
        except Refused as refused:
            form.refuse(refused)
            form.data = _with(form.data, "version", self.load(pk).version)
            return self.page(self.load(pk), form, status=422)
        messages.success(request, _("Changed."))
        return redirect("work", pk)

    def editable(self, pk: int) -> WorkEntry:
        """The work, for its keeper."""
        entry = self.load(pk)
        if not services.may_write(self.user, entry.ledger, entry.organisation_id):
            raise PermissionDenied(_("Only its keeper writes in this ledger."))
        return entry

    def form(self, entry: WorkEntry, *args: Any, **kwargs: Any) -> ChangeForm:
        """With the type that the work has, offered or not."""
        known = KnownTypes()
        types = dict(known.offered(timezone.localdate()))
        if (own := known.on(entry.work_type, timezone.localdate())) is not None:
            types.setdefault(own.code, own.name)
        return ChangeForm(*args, organisations=[entry.organisation], types=types.items(), **kwargs)

    def page(
        self, entry: WorkEntry, form: ChangeForm, *, overlaps: Any = (), status: int = 200
    ) -> HttpResponse:
        """The form."""
        context = {
            "form": form,
            "entry": entry,
            "heading": Ledger(entry.ledger).label,
            "list_url": reverse(f"{ADDRESSES[Ledger(entry.ledger)]}_list"),
            "overlaps": overlaps,
            "overlaps_seen": _digest(overlaps),
            "problems": form.error_summary if form.is_bound else [],
        }
        return render(self.request, "audit/ledgers/work_form.html", context, status=status)
