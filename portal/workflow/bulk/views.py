"""Handing in a file: the template, the upload, its rows to be corrected, and the application that it becomes (ACC-13)."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.common.workbook import book_response
from portal.orgs.models import Organisation
from portal.orgs.permissions import APPLY
from portal.trail import services as trail
from portal.workflow import errors, kinds
from portal.workflow.bulk import checking, files, rowpages, selectors, services
from portal.workflow.bulk.columns import columns_of
from portal.workflow.bulk.errors import AlreadyUploaded, FileRefused
from portal.workflow.bulk.models import Upload, UploadState
from portal.workflow.views import PersonView

CHECKED_AT_ONCE = 300  # rows that are checked while the person waits: well below two seconds
_CELL = re.compile(r"r(\d{1,6})-([a-z_0-9]{1,60})")


class FileView(PersonView):
    """The page where a file is handed in, with the template of the kind."""

    def get(self, request: HttpRequest, kind: str) -> HttpResponse:
        """For each organisation in which the person applies."""
        return self.show(kind)

    def post(self, request: HttpRequest, kind: str) -> HttpResponse:
        """422 with every reason when the file cannot be read; 409 when it was handed in before."""
        file = request.FILES.get("file")
        organisation = self.place(kind, request.POST.get("organisation", ""))
        if file is None:
            return self.show(kind, organisation, reasons=[_("Choose a file first.")], status=422)
        try:
            upload = services.upload_file(
                kind=kind,
                organisation_id=organisation.pk,
                actor=self.user,
                name=file.name or "",
                data=file.read(settings.BULK_MAX_BYTES + 1),
                again_reason=request.POST.get("again_reason", ""),
                now=timezone.now(),
            )
        except FileRefused as error:
            return self.show(kind, organisation, reasons=error.reasons, status=422)
        except AlreadyUploaded as error:
            return self.show(kind, organisation, earlier=error.earlier, status=409)
        return checked_and_shown(upload)

    def show(
        self, code: str, organisation: Organisation | None = None, *, status: int = 200, **context: Any
    ) -> HttpResponse:
        """The page."""
        kind = _kind(code)
        places = self.places(kind)
        values = {
            "kind": kind,
            "places": places,
            "chosen": organisation or places[0],
            "most": settings.BULK_MAX_BYTES // (1024 * 1024),
            **context,
        }
        return render(self.request, "workflow/bulk/file.html", values, status=status)

    def places(self, kind: kinds.ApplicationKind[Any]) -> list[Organisation]:
        """Where this person may apply for this; nowhere is a 403 that says so."""
        places = [o for o in self.user.organisations_where(APPLY) if kind in kinds.kinds_for(o)]
        if not places:
            raise PermissionDenied(_("Your organisation cannot apply for this."))
        return places

    def place(self, code: str, sent: str) -> Organisation:
        """The organisation of that code, where the person may apply."""
        found = next((place for place in self.places(_kind(code)) if place.code == sent), None)
        if found is None:
            raise Http404
        return found


class TemplateView(FileView):
    """The empty table of a kind, with the choices of one organisation."""

    http_method_names = ["get", "options"]  # noqa: RUF012

    def get(self, request: HttpRequest, kind: str) -> HttpResponse:
        """A workbook."""
        chosen = _kind(kind)
        organisation = self.place(kind, request.GET.get("organisation", "") or self.places(chosen)[0].code)
        context = kinds.LineContext(
            organisation=organisation, actor=self.user, application=None, today=timezone.localdate()
        )
        return book_response(f"{chosen.label}.xlsx", files.template_book(chosen, context))  # type: ignore[return-value]


class UploadView(PersonView):
    """The rows of a file: what is wrong, to be corrected in place; another person's file is as unknown as none."""

    @cached_property
    def upload(self) -> Upload:
        """The file of the address; raises Http404."""
        try:
            return selectors.own_upload(self.user, self.kwargs["pk"])
        except Upload.DoesNotExist as error:
            raise Http404 from error

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The page polls while the rows are being checked; without scripts it is loaded again."""
        if self.upload.application is not None and self.upload.state == UploadState.TAKEN:
            return redirect("application_edit", number=self.upload.application.number)
        template = "_state.html" if request.headers.get("HX-Request") else "rows.html"
        return self.show(template)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Keep what was typed, check everything again."""
        values: dict[int, dict[str, str]] = {}
        for name, text in request.POST.items():
            if found := _CELL.fullmatch(name):
                values.setdefault(int(found.group(1)), {})[found.group(2)] = str(text)
        removed = {
            int(n) for n in request.POST.getlist("remove") if n.isascii() and n.isdigit() and len(n) < 8
        }
        current = self.upload
        try:
            upload = services.correct(
                upload_id=current.pk,
                actor=self.user,
                values=values,
                removed=removed,
                version=_version(request),
                now=timezone.now(),
            )
        except errors.ContentChanged:
            return self.show("rows.html", typed=values, conflict=True, status=409)
        except errors.InvalidApplication as error:
            said = [text for texts in error.errors.values() for text in texts]
            return self.show("rows.html", typed=values, reasons=said, status=422)
        return checked_and_shown(upload)

    def show(self, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        """One page of the rows."""
        kind = kinds.get(self.upload.kind)
        columns = columns_of(kind, checking.context_of(self.upload, timezone.now()))
        page = rowpages.page_of(self.upload, columns, self.request.GET, context.pop("typed", {}))
        values = {"upload": self.upload, "kind": kind, "page": page, **context}
        return render(self.request, f"workflow/bulk/{template}", values, status=status)


class ErrorsFileView(UploadView):
    """エラー付きExcel: one's own rows with the errors, to be handed in again as they are."""

    http_method_names = ["get", "options"]  # noqa: RUF012

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """It holds personal data: leaving a trace (SEC-02)."""
        upload = self.upload
        book = files.errors_book(upload, kinds.get(upload.kind), checking.context_of(upload, timezone.now()))
        trail.record(
            action="application.upload_export",
            now=timezone.now(),
            actor=self.user,
            object_type="upload",
            object_id=upload.pk,
            object_label=upload.name,
            object_organisation_id=upload.organisation_id,
        )
        return book_response(f"{_('errors')}_{upload.name.rsplit('.', 1)[0]}.xlsx", book)  # type: ignore[return-value]


class TakeOverView(UploadView):
    """All rows are right: they become the lines of one application."""

    http_method_names = ["post", "options"]  # noqa: RUF012

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """On to the reason and the date of the application."""
        try:
            application = services.take_over(
                upload_id=self.upload.pk, actor=self.user, version=_version(request), now=timezone.now()
            )
        except errors.ContentChanged:
            return self.show("rows.html", conflict=True, status=409)
        except errors.InvalidApplication as error:
            said = [text for texts in error.errors.values() for text in texts]
            return self.show("rows.html", reasons=said, status=422)
        messages.success(
            request, _("The rows are now the application %(number)s.") % {"number": application.number}
        )
        return redirect("application_edit", number=application.number)


class DiscardView(UploadView):
    """Throw the rows away."""

    http_method_names = ["post", "options"]  # noqa: RUF012

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Back to the page where a file is handed in."""
        services.discard(upload_id=self.upload.pk, actor=self.user, now=timezone.now())
        messages.success(request, _("The rows were discarded. Nothing was applied for."))
        return redirect("application_file", kind=self.upload.kind)


def checked_and_shown(upload: Upload) -> HttpResponse:
    """A small table is checked at once, a large one by a worker; either way the page of its rows follows."""
    if upload.row_count <= CHECKED_AT_ONCE:
        checking.check(upload_id=upload.pk, now=timezone.now())
    return redirect("upload_rows", pk=upload.pk)


def _version(request: HttpRequest) -> int:
    sent = request.POST.get("version", "")
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else 0


def _kind(code: str) -> kinds.ApplicationKind[Any]:
    try:
        return kinds.get(code)
    except KeyError as error:
        raise Http404 from error
