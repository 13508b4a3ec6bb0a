"""The screens of the two-factor exchange: files that went out, files that came back, and the mapping of both."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.common.pagination import paginate
from portal.fulfilment.mappings import MappingChanged, seen_of
from portal.fulfilment.views import OperationsView
from portal.orgs.permissions import RUN_OPERATIONS
from portal.trail import services as trail
from portal.two_factor import factory, selectors, services
from portal.two_factor.forms import AnswerForm, ExchangeMappingForms
from portal.two_factor.mappings import (
    InvalidMapping,
    check_layout,
    current_mapping,
    layout_of,
)
from portal.two_factor.models import AnswerFile, ExchangeBatch

PAGE_SIZE = 50


class ListView(OperationsView):
    """Batches and acknowledgements, the newest first. It names nobody."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """One page of batches, and the newest acknowledgements."""
        return self.page(AnswerForm())

    def page(self, form: AnswerForm, status: int = 200) -> HttpResponse:
        """The page, with the upload as it stands."""
        now, hours = timezone.now(), int(settings.TWO_FACTOR["answer_hours"])  # type: ignore[call-overload]
        page = paginate(selectors.batches(), self.request.GET.get("cursor"), PAGE_SIZE)
        for batch in page.rows:
            batch.is_overdue = selectors.is_overdue(batch, now, hours)  # type: ignore[attr-defined]
        context = {
            "page": page,
            "answers": selectors.answers(),
            "counts": selectors.counts(self.user),
            "uses_exchange": factory.uses_exchange(),
            "may_run": self.user.may(RUN_OPERATIONS),
            "form": form,
            "problems": form.error_summary if form.is_bound else (),
        }
        return render(self.request, "two_factor/list.html", context, status=status)


class UploadView(ListView):
    """An acknowledgement file that a person brings."""

    permission = RUN_OPERATIONS
    http_method_names = ("post", "options")

    def post(self, request: HttpRequest) -> HttpResponse:
        """Apply it and show what it said; the same file again is told from a new one."""
        form = AnswerForm(request.POST, request.FILES)
        if not form.is_valid():
            return self.page(form, status=422)
        file = form.cleaned_data["file"]
        try:
            read = services.upload_answer(
                actor=self.user, name=file.name, data=file.read(), now=timezone.now()
            )
        except services.KnownFile as error:
            messages.warning(request, _("This file was read before. It was not applied again."))
            return redirect("exchange_answer", pk=error.known.pk)
        messages.success(request, _("The file was read."))
        return redirect("exchange_answer", pk=read.pk)


class BatchView(OperationsView):
    """One batch with its rows. It names people: opening it leaves a trace (SEC-02)."""

    def get(self, request: HttpRequest, number: int) -> HttpResponse:
        """The rows in pages, and what became of each."""
        batch = find_batch(number)
        trail.record(
            action="exchange.view",
            now=timezone.now(),
            actor=self.user,
            object_type="exchange_batch",
            object_id=batch.number,
            object_label=batch.file_name,
        )
        rows = selectors.rows_of(self.user, batch)
        context = {"batch": batch, "page": paginate(rows, request.GET.get("cursor"), PAGE_SIZE)}
        return render(request, "two_factor/batch.html", context)


class DownloadView(OperationsView):
    """The file of a batch, as it was written. The download is recorded (SEC-02)."""

    def get(self, request: HttpRequest, number: int) -> HttpResponse:
        """Made again from its rows, also after the file itself was removed."""
        batch = find_batch(number)
        data = services.download_batch(actor=self.user, batch=batch, now=timezone.now())
        response = HttpResponse(data, content_type="application/octet-stream")
        response["Content-Disposition"] = f'attachment; filename="{batch.file_name}"'
        return response


class AnswerView(OperationsView):
    """One acknowledgement file: what it said, and what was wrong with it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The file and its problems by line."""
        try:
            answer = selectors.answer(pk)
        except AnswerFile.DoesNotExist as error:
            raise Http404 from error
        return render(request, "two_factor/answer.html", {"answer": answer})


class MappingView(OperationsView):
    """The mapping: how a batch is written and an acknowledgement is read. Every version is kept."""

    permission = RUN_OPERATIONS

    def get(self, request: HttpRequest) -> HttpResponse:
        """The mapping in force."""
        current = current_mapping()
        return self._page(ExchangeMappingForms(layout=layout_of(current)), str(current.pk if current else ""))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Preview or save; what was typed stays when something is wrong with it."""
        forms, seen = ExchangeMappingForms(data=request.POST), request.POST.get("seen", "")
        layout = forms.layout()
        if layout is None:
            return self._page(forms, seen, status=422)
        try:
            check_layout(layout)
            if "preview" in request.POST:
                return self._page(forms, seen, preview=selectors.preview(layout, timezone.now()))
            services.save_mapping(
                actor=self.user,
                layout=layout,
                seen=seen_of(seen),
                now=timezone.now(),
            )
        except InvalidMapping as problems:
            forms.show(problems)
            return self._page(forms, seen, status=422)
        except MappingChanged:
            text = _(
                "Somebody changed the mapping meanwhile. Open the page again and look at it before you save."
            )
            forms.file.add_error(None, text)
            return self._page(forms, seen, status=409)
        messages.success(request, _("Saved. It is in force from the next batch on."))
        return redirect("exchange_mapping")

    def _page(
        self, forms: ExchangeMappingForms, seen: str, *, preview: str = "", status: int = 200
    ) -> HttpResponse:
        context: dict[str, Any] = {
            "forms": forms,
            "seen": seen,
            "preview": preview or selectors.preview(layout_of(current_mapping()), timezone.now()),
            "is_preview": bool(preview),
            "versions": selectors.mappings(),
            "problems": forms.problems if status != 200 else (),
        }
        return render(self.request, "two_factor/mapping.html", context, status=status)


def find_batch(number: int) -> ExchangeBatch:
    """The batch of that number; raises Http404."""
    try:
        return selectors.batch(number)
    except ExchangeBatch.DoesNotExist as error:
        raise Http404 from error
