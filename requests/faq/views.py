"""The screens of the FAQ: list, entry with versions, suggestions; for operations writing, preview and confirmation."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.common.pagination import paginate
from portal.orgs.permissions import EDIT_FAQ
from portal.workflow.views import PersonView
from requests.enquiries import selectors as enquiries
from requests.enquiries.errors import NotAllowed, Refused
from requests.enquiries.models import Enquiry, EnquiryMessage
from requests.faq import cleaning, selectors, services
from requests.faq.forms import FaqFilterForm, FaqForm, SendBackForm
from requests.faq.models import FaqEntry, FaqVersion

PAGE_SIZE = 50


class ListView(PersonView):
    """Everything that is published; operations see what waits as well."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Newest first."""
        values = {
            name: request.GET.get(name, "").replace("\x00", "").strip()[:200]
            for name in ("q", "category", "show")
        }
        filters = {name: value for name, value in values.items() if value}
        may = self.user.may(EDIT_FAQ)
        found = selectors.entries(self.user, **filters)
        context = {
            "page": paginate(found, request.GET.get("cursor"), PAGE_SIZE),
            "form": FaqFilterForm(initial=filters),
            "filters": filters,
            "query": urlencode(filters),
            "may_edit": may,
            "proposed": selectors.proposed() if may else [],
        }
        return render(request, "requests/faq_list.html", context)


class EntryView(PersonView):
    """One entry and its earlier versions."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """As everybody sees it."""
        entry = load(self, number)
        context = {
            "entry": entry,
            "versions": selectors.versions(self.user, entry),
            "may_edit": self.user.may(EDIT_FAQ),
        }
        return render(request, "requests/faq_entry.html", context)


class SuggestionsView(PersonView):
    """What the FAQ knows about a subject: a fragment while one types."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Nothing for a word or two."""
        subject = request.GET.get("subject", "").replace("\x00", "")[:200]
        context = {"suggestions": selectors.suggestions(subject)}
        return render(request, "requests/_faq_suggestions.html", context)


class EditorView(PersonView):
    """A view for those who edit."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Everybody else gets 403."""
        if request.user.is_authenticated and not self.user.may(EDIT_FAQ):
            raise PermissionDenied(_("Only network operations edit the FAQ."))
        try:
            return super().dispatch(request, *args, **kwargs)
        except NotAllowed as error:
            raise PermissionDenied(error.reason) from error


class WriteView(EditorView):
    """A text of a new entry, of one from an enquiry, or of an existing one."""

    entry: FaqEntry | None = None
    enquiry: Enquiry | None = None

    def setup_from(self, number: str, enquiry: str) -> None:
        """Which entry or enquiry it is about."""
        self.entry = load(self, number) if number else None
        if enquiry:
            try:
                self.enquiry = enquiries.enquiry(self.user, enquiry)
            except Enquiry.DoesNotExist as error:
                raise Http404 from error

    def get(self, request: HttpRequest, number: str = "", enquiry: str = "") -> HttpResponse:
        """With the text as it stands, or the enquiry's without the names that are known."""
        self.setup_from(number, enquiry)
        return self.page(FaqForm(initial=self.initial()))

    def post(self, request: HttpRequest, number: str = "", enquiry: str = "") -> HttpResponse:
        """Propose it; a second person sees the preview."""
        self.setup_from(number, enquiry)
        form = FaqForm(request.POST)
        if not form.is_valid():
            return self.page(form, status=422)
        try:
            version = services.propose(
                entry_id=self.entry.pk if self.entry else None,
                enquiry=self.enquiry,
                **form.cleaned_data,
                actor=self.user,
                now=timezone.now(),
            )
        except Refused as refused:
            form.refuse(refused)
            return self.page(form, status=422)
        messages.success(request, _("The text was proposed. Another person of operations confirms it."))
        return redirect("faq_version", version.pk)

    def initial(self) -> dict[str, str]:
        """What the form begins with."""
        if self.entry is not None:
            newest = self.entry.versions.first()
            return {
                "category": newest.category if newest else self.entry.category,
                "question": newest.question if newest else "",
                "answer": newest.answer if newest else "",
            }
        if self.enquiry is None:
            return {}
        names = cleaning.known_names(self.enquiry)
        thread = enquiries.messages_of(self.user, self.enquiry)
        answers = [message.text for message in thread if message.kind == EnquiryMessage.Kind.ANSWER]
        return {
            "category": self.enquiry.category,
            "question": cleaning.cleaned(self.enquiry.subject, names),
            "answer": cleaning.cleaned("\n\n".join(answers), names),
        }

    def page(self, form: FaqForm, status: int = 200) -> HttpResponse:
        """The form beside the enquiry."""
        context = {
            "form": form,
            "entry": self.entry,
            "enquiry": self.enquiry,
            "problems": form.error_summary if form.is_bound else [],
        }
        return render(self.request, "requests/faq_write.html", context, status=status)


class VersionView(EditorView):
    """The preview of a proposed text, as everybody would see it, and the decision of the second person."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """With what still looks like a name."""
        return self.page(_version(pk), SendBackForm())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Publish it or send it back."""
        version, form, now = _version(pk), SendBackForm(request.POST), timezone.now()
        publishing = request.POST.get("step") == "publish"
        if not publishing and not form.is_valid():
            return self.page(version, form, status=422)
        try:
            if publishing:
                services.publish(version_id=pk, actor=self.user, now=now)
            else:
                services.send_back(version_id=pk, actor=self.user, now=now, **form.cleaned_data)
        except Refused as refused:
            messages.error(request, refused.reason)
            return self.page(_version(pk), SendBackForm(), status=422)
        messages.success(request, _("Published.") if publishing else _("Sent back."))
        return redirect("faq_entry", version.entry.number)

    def page(self, version: FaqVersion, form: SendBackForm, status: int = 200) -> HttpResponse:
        """The preview."""
        names = cleaning.known_names(version.entry.enquiry)
        context = {
            "version": version,
            "entry": version.entry,
            "found": cleaning.look_into(f"{version.question}\n{version.answer}", names),
            "form": form,
            "waits": version.state == FaqVersion.State.PROPOSED,
            "own": version.prepared_by_id == self.user.pk,
            "problems": form.error_summary if form.is_bound else [],
        }
        return render(self.request, "requests/faq_version.html", context, status=status)


class WithdrawView(EditorView):
    """Take an entry out of the FAQ."""

    http_method_names = ["post", "options"]  # noqa: RUF012

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        """Operations still see it and can propose a new text."""
        entry = load(self, number)
        services.withdraw(entry_id=entry.pk, actor=self.user, now=timezone.now())
        messages.success(request, _("The entry was taken out of the FAQ."))
        return redirect("faq_entry", number)


def load(view: PersonView, number: str) -> FaqEntry:
    """An entry that the person may read, or 404."""
    try:
        return selectors.entry(view.user, number)
    except FaqEntry.DoesNotExist as error:
        raise Http404 from error


def _version(pk: int) -> FaqVersion:
    rows = FaqVersion.objects.select_related("entry__enquiry", "prepared_by", "decided_by")
    return get_object_or_404(rows, pk=pk)
