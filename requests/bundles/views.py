"""The screens of bundles: the list, the form, the review before submission, and the board."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from portal.common.workbook import book_response
from portal.orgs.permissions import APPLY, FEDERATIONS
from portal.trail import services as trail
from portal.workflow import errors, registers
from portal.workflow.bulk import files
from portal.workflow.bulk.cells import address
from portal.workflow.bulk.errors import FileRefused
from portal.workflow.bulk.tables import read_table
from portal.workflow.kinds import LineContext
from portal.workflow.registers import ExportMixin, ListMixin, PrintMixin
from portal.workflow.rounds.tables import uploaded
from portal.workflow.views import PersonView
from requests.bundles import forms, selectors, services, states
from requests.bundles.linking import machines_of
from requests.bundles.models import Action, Bundle, Column
from requests.bundles.tables import BUNDLES

PROBLEMS_SHOWN = 100


class BundlesView(registers.RegisterView):
    """What the three views of the list share."""

    table = BUNDLES
    names = ("q", "state", "action", "owed", "organisation")
    action = "bundle"
    template = "requests/bundles.html"
    heading = pgettext_lazy("bundle", "Installation, exchange and removal of PCs")

    def found(self, filters: dict[str, str]) -> Any:
        """The bundles that the filters leave."""
        return selectors.bundles(self.user, **filters)

    def form(self, *args: Any, **kwargs: Any) -> forms.FilterForm:
        """The search."""
        return forms.FilterForm(*args, organisations=selectors.organisations(self.user), **kwargs)

    def more(self) -> dict[str, Any]:
        """Whether a new one can be written."""
        return {"may_apply": bool(_places(self))}


class ListView(ListMixin, BundlesView):
    """Every bundle that this person may see."""


class ExportView(ExportMixin, BundlesView):
    """As a file."""


class PrintView(PrintMixin, BundlesView):
    """On paper."""


class NewView(PersonView):
    """What shall happen, and where; then the form."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Links from other pages bring the action and a machine along."""
        form = forms.NewForm(places=self._require(), initial={"action": request.GET.get("action", "INSTALL")})
        return self._page(form)

    def post(self, request: HttpRequest) -> HttpResponse:
        """A new draft."""
        places = self._require()
        form = forms.NewForm(request.POST, places=places)
        if not form.is_valid():
            return self._page(form, status=422)
        place = next(o for o in places if o.code == form.cleaned_data["organisation"])
        name = request.POST.get("name", "").replace("\x00", "").strip()[:15]
        field = "old_name" if form.cleaned_data["action"] == Action.REPLACE else "name"
        bundle = services.create(
            action=form.cleaned_data["action"],
            organisation_id=place.pk,
            actor=self.user,
            draft=services.Draft(rows=[{field: name}] if name else []),
            now=timezone.now(),
        )
        return redirect("bundle_edit", number=bundle.number)

    def _require(self) -> Any:
        if not (places := _places(self)):
            raise PermissionDenied(_("Only applicants of federations can write applications about machines."))
        return places

    def _page(self, form: forms.NewForm, status: int = 200) -> HttpResponse:
        context = {
            "form": form,
            "problems": form.error_summary if form.is_bound else [],
            "name": self.request.GET.get("name", "")[:15],
        }
        return render(self.request, "requests/bundle_new.html", context, status=status)


class BundleView(PersonView):
    """A view of one bundle. Another federation's is as unknown as none (ORG-02)."""

    def load(self, number: str) -> Bundle:
        """The bundle as it stands now; raises Http404 when this person may not see it."""
        try:
            return selectors.bundle(self.user, number)
        except Bundle.DoesNotExist as error:
            raise Http404 from error

    def load_draft(self, number: str) -> Bundle:
        """A draft of this person; 404 for one that was submitted: its board is elsewhere."""
        bundle = self.load(number)
        if bundle.state != Bundle.State.DRAFT:
            raise Http404
        return bundle

    def line_context(self, bundle: Bundle) -> LineContext:
        """For the forms of the rows."""
        return LineContext(
            organisation=bundle.organisation, actor=self.user, application=None, today=timezone.localdate()
        )

    def editor(self, bundle: Bundle, **more: Any) -> forms.Editor:
        """The header and the rows."""
        return forms.Editor(bundle, self.line_context(bundle), machines_of(bundle), **more)


class DetailView(BundleView):
    """The board: each machine a row, each part a column, and what is to be done next."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """A draft has no board yet."""
        bundle = self.load(number)
        if bundle.state == Bundle.State.DRAFT:
            return redirect("bundle_edit", number=number)
        trail.record(
            action="bundle.view",
            now=timezone.now(),
            actor=self.user,
            object_type="bundle",
            object_id=bundle.pk,
            object_label=bundle.number,
            object_organisation_id=bundle.organisation_id,
        )
        return self.page(bundle)

    def page(self, bundle: Bundle, *, problem: str = "", reason: str = "", status: int = 200) -> HttpResponse:
        """The board; with `problem`, why a step was refused."""
        board, now = states.board(bundle), timezone.now()
        may_act = bundle.state == Bundle.State.OPEN and services.may_act(bundle, self.user, now)
        context = {
            "bundle": bundle,
            "board": board,
            "cells": board.cells(),
            "owed": [{"view": view, "is_base": services.is_base(bundle, view.part)} for view in board.owed],
            "may_act": may_act,
            "may_call_off": may_act and not any(v.state == states.PartState.DONE for v in board.parts),
            "to_decide": len(selectors.to_decide(self.user, bundle)),
            "history": selectors.history_of(self.user, bundle).select_related(None)[:100],
            "problem": problem,
            "reason": reason,
        }
        return render(self.request, "requests/bundle.html", context, status=status)


class PartsView(DetailView):
    """Apply anew, leave out, call off: what the applicant does on the board."""

    http_method_names = ["post", "options"]  # noqa: RUF012

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        """409 with the board when it cannot be done now, 422 when something is missing."""
        bundle, now = self.load(number), timezone.now()
        form = forms.PartsForm(request.POST, ids=bundle.parts.values_list("pk", flat=True))
        if not form.is_valid():
            return self.page(bundle, problem=_("Choose at least one part."), status=422)
        reason, chosen = form.cleaned_data["reason"], form.cleaned_data["parts"]
        own: dict[str, Any] = {"bundle_id": bundle.pk, "actor": self.user, "now": now}
        try:
            match form.cleaned_data["step"]:
                case "again":
                    made = services.apply_again(part_ids=chosen, **own)
                    messages.success(
                        request,
                        _("Drafts were made: %(numbers)s. Correct and submit them.")
                        % {"numbers": "、".join(draft.number for draft in made)},
                    )
                    if len(made) == 1:
                        return redirect("application_edit", number=made[0].number)
                case "leave_out":
                    services.leave_out(part_ids=chosen, reason=reason, **own)
                    messages.success(request, _("It was left out; the history says why."))
                case _call_off:
                    services.call_off(reason=reason, **own)
                    messages.success(request, _("It was called off."))
        except services.BundleRefused as error:
            return self.page(self.load(number), problem=str(error), reason=reason, status=409)
        except errors.InvalidApplication as error:
            return self.page(self.load(number), problem=str(error), status=422)
        return redirect("bundle", number=number)


class EditView(BundleView):
    """The form. Everything that is typed is kept, whether it is right or not."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """The draft as it was left; with `check`, with what is wrong at its field."""
        bundle = self.load_draft(number)
        editor = self.editor(bundle, stored="check" in request.GET)
        if "check" in request.GET:
            review = services.review(bundle=bundle, actor=self.user, left_out={}, now=timezone.now())
            editor.add_errors(review.header, review.by_row)
        return self.show(bundle, editor)

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        """Save, then do what the button says: stay, add or remove a row, read a file, go on to the review."""
        bundle = self.load_draft(number)
        editor = self.editor(bundle, data=request.POST)
        removed, action = request.POST.get("remove_row", ""), request.POST.get("action", "")
        without = int(removed) if removed.isascii() and removed.isdigit() and len(removed) < 5 else None
        draft = editor.draft(without=without, more=action == "add_row")
        problems: list[str] = []
        if action == "file":
            draft, problems = self._from_file(bundle, draft)
        sent = request.POST.get("version", "")
        version = int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else 0
        try:
            bundle = services.save(
                bundle_id=bundle.pk, actor=self.user, draft=draft, version=version, now=timezone.now()
            )
        except errors.ContentChanged:
            return self.show(self.load_draft(number), editor, conflict=True, status=409)
        if problems:
            return self.show(bundle, self.editor(bundle), file_problems=problems, status=422)
        if action == "next":
            return (
                redirect("bundle_review", number=number)
                if editor.is_valid()
                else self.show(bundle, editor, status=422)
            )
        if not editor.header.is_valid() and "desired_on" in editor.header.errors:
            return self.show(bundle, editor, status=422)  # a date that cannot be read is not in the draft
        if action in ("save", "file"):
            messages.success(request, _("The draft was saved."))
        return redirect("bundle_edit", number=number)

    def show(
        self,
        bundle: Bundle,
        editor: forms.Editor,
        *,
        conflict: bool = False,
        file_problems: list[str] | None = None,
        status: int = 200,
    ) -> HttpResponse:
        """The page of the form."""
        context = {
            "bundle": bundle,
            "editor": editor,
            "machines": machines_of(bundle) if editor.is_long else [],
            "problems": editor.problems,
            "conflict": conflict,
            "file_problems": file_problems or [],
            "most": services.most_machines(),
        }
        return render(self.request, "requests/bundle_edit.html", context, status=status)

    def _from_file(self, bundle: Bundle, draft: services.Draft) -> tuple[services.Draft, list[str]]:
        """The rows of a file in the place of those of the draft; or every problem with its cell, and the draft as it was."""
        columns = forms.columns(bundle, self.line_context(bundle))
        try:
            name, data = uploaded(self.request.FILES.get("file"))
            table = read_table(name, data, columns, max_rows=services.most_machines())
        except FileRefused as error:
            return draft, list(error.reasons)
        problems = [
            f"{address(table.letters.get(column, 1), row['n'])}：{text}"
            for row in table.rows
            for column, texts in row["p"].items()
            for text in texts
        ]
        if problems:
            return draft, problems[:PROBLEMS_SHOWN]
        made = forms.row_form(bundle.action, bundle.organisation, self.line_context(bundle))
        rows = [made(row["v"]).values for row in table.rows]
        return services.Draft(reason=draft.reason, desired_on=draft.desired_on, rows=rows), []


class TemplateView(BundleView):
    """The table to fill in, with the rows that the draft has."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """Taking along leaves a trace (SEC-02)."""
        bundle = self.load_draft(number)
        kind, context = forms.table_kind(bundle, self.line_context(bundle)), self.line_context(bundle)
        rows = [row.values for row in machines_of(bundle) if row.values]
        book = files.filled_book(kind, context, rows) if rows else files.template_book(kind, context)
        detail = {"number": bundle.number}
        trail.record(action="bundle.template", now=timezone.now(), actor=self.user, detail=detail)
        return book_response(f"{bundle.number}.xlsx", book)  # type: ignore[return-value]


class ReviewView(BundleView):
    """What will be opened for each machine, with every plan and every refusal; from here it is submitted."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """Nothing is created by looking."""
        bundle = self.load_draft(number)
        return self.show(
            bundle, services.review(bundle=bundle, actor=self.user, left_out={}, now=timezone.now())
        )

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        """Submit all of it, or say at every part why not."""
        bundle, now = self.load_draft(number), timezone.now()
        left_out = {
            name.removeprefix("why-"): str(value).replace("\x00", "")
            for name, value in request.POST.items()
            if name.startswith("why-") and f"leave-{name.removeprefix('why-')}" in request.POST
        }
        unexplained = {
            name.removeprefix("leave-")
            for name in request.POST
            if name.startswith("leave-") and not left_out.get(name.removeprefix("leave-"), "").strip()
        }
        sent = request.POST.get("version", "")
        version = int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else 0
        if unexplained:
            review = services.review(bundle=bundle, actor=self.user, left_out=left_out, now=now)
            return self.show(bundle, review, typed=left_out, unexplained=unexplained, status=422)
        try:
            bundle, review = services.submit(
                bundle_id=bundle.pk, actor=self.user, left_out=left_out, version=version, now=now
            )
        except errors.ContentChanged:
            messages.error(request, _("The draft was changed in another window. Look at it once more."))
            return redirect("bundle_review", number=number)
        except errors.NobodyCanDecide as error:
            messages.error(
                request,
                _("Nobody could decide the stage “%(stage)s”. Ask network operations.")
                % {"stage": _(error.stage_label)},
            )
            return redirect("bundle_review", number=number)
        except services.BundleRefused:
            return redirect("bundle", number=number)
        if bundle.state == Bundle.State.DRAFT:
            return self.show(bundle, review, typed=left_out, status=422)
        messages.success(
            request, _("%(count)d applications were opened and submitted.") % {"count": len(review.orders)}
        )
        return redirect("bundle", number=number)

    def show(
        self,
        bundle: Bundle,
        review: services.Review,
        *,
        typed: dict[str, str] | None = None,
        unexplained: set[str] | None = None,
        status: int = 200,
    ) -> HttpResponse:
        """Every machine with its parts."""
        machines = machines_of(bundle)
        context = {
            "bundle": bundle,
            "review": review,
            "rows": [
                {
                    "machine": machine,
                    "parts": [part for part in review.parts if part.part.row == machine.position],
                    "errors": review.by_row.get(machine.position, {}),
                }
                for machine in machines
            ],
            "columns": dict(Column.choices),
            "typed": typed or {},
            "unexplained": unexplained or set(),
            "was_sent": status != 200,
        }
        return render(self.request, "requests/bundle_review.html", context, status=status)


class DiscardView(BundleView):
    """A draft that nobody wants."""

    http_method_names = ["post", "options"]  # noqa: RUF012

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        """It stays in the history as called off."""
        bundle = self.load_draft(number)
        services.discard(bundle_id=bundle.pk, actor=self.user, now=timezone.now())
        messages.success(request, _("The draft was discarded."))
        return redirect("bundle_list")


def _places(view: PersonView) -> list[Any]:
    """Where this person may apply for machines."""
    return [place for place in view.user.organisations_where(APPLY) if place.kind in FEDERATIONS]
