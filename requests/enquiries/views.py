"""The screens of enquiries: the list, a new one with what the FAQ already answers, and the conversation."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.common.downloads import downloaded
from portal.orgs.permissions import ANSWER_ENQUIRIES, ASK_ENQUIRIES, EDIT_FAQ, READ_ENQUIRIES
from portal.trail import services as trail
from portal.workflow import people, registers
from portal.workflow.registers import ExportMixin, ListMixin, PrintMixin
from portal.workflow.views import PersonView
from requests.enquiries import selectors, services
from requests.enquiries.errors import NotAllowed, Refused
from requests.enquiries.forms import (
    AskForm,
    CloseForm,
    EnquiryFilterForm,
    NoteForm,
    RouteForm,
    WriteForm,
    renamed,
)
from requests.enquiries.models import Enquiry, EnquiryFile
from requests.enquiries.tables import ENQUIRIES
from requests.faq import selectors as faq


class EnquiriesView(PersonView):
    """A view for those who may read enquiries."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Somebody without the permission gets 403, whatever the enquiry."""
        if request.user.is_authenticated and not self.user.may(READ_ENQUIRIES):
            raise PermissionDenied(_("Your role does not allow you to see enquiries."))
        try:
            return super().dispatch(request, *args, **kwargs)
        except NotAllowed as error:
            raise PermissionDenied(error.reason) from error

    def load(self, number: str) -> Enquiry:
        """Another federation's is as unknown as none (ORG-02)."""
        return self.one(selectors.enquiry, number)


class EnquiryRegisterView(EnquiriesView, registers.RegisterView):
    """What the three views of the list show."""

    table = ENQUIRIES
    names = ("q", "state", "category", "desk", "whose", "organisation")
    action = "enquiry"
    template = "requests/enquiries.html"
    heading = gettext_lazy("Enquiries")

    def found(self, filters: dict[str, str]) -> Any:
        """The enquiries that the filters leave."""
        return selectors.enquiries(self.user, **filters)

    def form(self, *args: Any, **kwargs: Any) -> EnquiryFilterForm:
        """The search."""
        return EnquiryFilterForm(*args, organisations=selectors.organisations(self.user), **kwargs)


class ListView(ListMixin, EnquiryRegisterView):
    """Every enquiry that this person may see."""

    def more(self) -> dict[str, Any]:
        """Whether a new one is offered."""
        return {"may_ask": self.user.may(ASK_ENQUIRIES)}


class ExportView(ExportMixin, EnquiryRegisterView):
    """As a file."""


class PrintView(PrintMixin, EnquiryRegisterView):
    """On paper."""


class NewView(EnquiriesView):
    """A new enquiry. What the FAQ knows about the subject is shown while one types, and before sending without JavaScript."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """For those who may ask somewhere."""
        if request.user.is_authenticated and not self.user.may(ASK_ENQUIRIES):
            raise PermissionDenied(_("Enquiries are asked by people of the federations."))
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        """With ?follows= it refers to a closed one."""
        follows = self.follows()
        initial = (
            {"subject": follows.subject, "category": follows.category, "desk": follows.desk}
            if follows
            else {}
        )
        return self.page(self.form(initial=initial), follows)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Ask; or only look for answers, when that button was pressed."""
        form, follows = self.form(request.POST, request.FILES), self.follows()
        if "look" in request.POST:
            return self.page(self.form(initial=request.POST.dict()), follows, looked=True)
        if not form.is_valid():
            return self.page(form, follows, status=422)
        try:
            made = services.ask(**form.values(), follows=follows, actor=self.user, now=timezone.now())
        except Refused as refused:
            form.refuse(refused)
            return self.page(form, follows, status=422)
        messages.success(request, _("Your enquiry was sent. You get a mail when it is answered."))
        return redirect("enquiry", made.number)

    def form(self, *args: Any, **kwargs: Any) -> AskForm:
        """For the organisations in which the person may ask."""
        return AskForm(*args, organisations=self.user.organisations_where(ASK_ENQUIRIES), **kwargs)

    def follows(self) -> Enquiry | None:
        """The enquiry that the new one refers to."""
        number = self.request.GET.get("follows", "")
        return self.load(number) if number else None

    def page(
        self, form: AskForm, follows: Enquiry | None, *, looked: bool = False, status: int = 200
    ) -> HttpResponse:
        """The form and the suggestions."""
        subject = str(form["subject"].value() or "")
        context = {
            "form": form,
            "follows": follows,
            "problems": form.error_summary if form.is_bound else [],
            "subject": subject,
            "suggestions": faq.suggestions(subject),
            "looked": looked,
        }
        return render(self.request, "requests/enquiry_new.html", context, status=status)


_STEPS = ("reply", "answer", "ask_back", "note", "route", "close")


class DetailView(EnquiriesView):
    """The conversation, and what this person can do now."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """Reading it leaves a trace (SEC-02)."""
        enquiry = self.load(number)
        self.seen("enquiry", enquiry.pk, enquiry.number, enquiry.organisation_id)
        return self.page(enquiry)

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        """One step: reply, answer, ask back, note, route or close."""
        enquiry, step = self.load(number), request.POST.get("step", "")
        if step not in _STEPS:
            return HttpResponse(status=422)
        form = self.bound(enquiry, step)
        if not form.is_valid():
            return self.page(enquiry, step, form, status=422)
        try:
            self.take(enquiry, step, renamed(form.cleaned_data))
        except Refused as refused:
            form.refuse(refused)
            return self.page(self.load(number), step, form, status=422)
        messages.success(request, _("Noted.") if step in ("note", "route") else _("Sent."))
        return redirect("enquiry", number)

    def bound(self, enquiry: Enquiry, step: str) -> Any:
        """The form of a step with what was sent."""
        if step == "route":
            return RouteForm(self.request.POST, people=self.everybody(enquiry), prefix="route")
        made = {"note": NoteForm, "close": CloseForm}.get(step, WriteForm)
        prefix = step if step in ("note", "close") else "write"
        return made(self.request.POST, self.request.FILES, prefix=prefix)

    def everybody(self, enquiry: Enquiry) -> Any:
        """Who answers at the desk of the enquiry."""
        return services.answerers(enquiry.desk, timezone.now()) if self.user.may(ANSWER_ENQUIRIES) else {}

    def take(self, enquiry: Enquiry, step: str, values: dict[str, Any]) -> None:
        """One service call."""
        common: dict[str, Any] = {
            "enquiry_id": enquiry.pk,
            "actor": self.user,
            "now": timezone.now(),
        } | values
        match step:
            case "reply":
                services.reply(**common)
            case "answer" | "ask_back":
                services.answer(asks_back=step == "ask_back", **common)
            case "note":
                services.add_note(**common)
            case "route":
                services.route(**common)
            case _close:
                services.close(**common)

    def page(self, enquiry: Enquiry, step: str = "", form: Any = None, status: int = 200) -> HttpResponse:
        """The conversation with the forms of those steps that are the person's."""
        now, live = timezone.now(), not enquiry.is_closed
        seen = {"version": enquiry.version}
        desk = people.organisation_of(enquiry.desk)
        may_reply = live and self.user.may(ASK_ENQUIRIES, enquiry.organisation_id)
        may_answer = live and self.user.may(ANSWER_ENQUIRIES, desk.pk)
        routing = seen | {
            "desk": enquiry.desk,
            "assigned_to": str(enquiry.assigned_to_id or ""),
            "due_on": enquiry.due_on,
        }
        forms: dict[str, Any] = {
            "write": WriteForm(prefix="write", initial=seen) if may_reply or may_answer else None,
            "note": NoteForm(prefix="note") if self.user.may(ANSWER_ENQUIRIES) else None,
            "close": CloseForm(prefix="close", initial=seen)
            if live and services.may_close(enquiry, self.user, now)
            else None,
            "route": RouteForm(prefix="route", initial=routing, people=self.everybody(enquiry))
            if may_answer
            else None,
        }
        if form is not None:
            form.see(enquiry.version)
            forms[form.prefix] = form
        context = {
            "enquiry": enquiry,
            "thread": selectors.messages_of(self.user, enquiry),
            "forms": forms,
            "may_reply": may_reply,
            "may_answer": may_answer,
            "may_publish": self.user.may(EDIT_FAQ),
            "may_ask_again": enquiry.is_closed and self.user.may(ASK_ENQUIRIES, enquiry.organisation_id),
            "late": enquiry.state == Enquiry.State.OPEN and enquiry.due_on < timezone.localdate(now),
            "problems": form.error_summary if form is not None else [],
        }
        return render(self.request, "requests/enquiry.html", context, status=status)


class FileView(EnquiriesView):
    """A file of a message that the person may read."""

    def get(self, request: HttpRequest, number: str, pk: int) -> HttpResponse:
        """Downloading leaves a trace (SEC-02)."""
        enquiry = self.load(number)
        try:
            found = selectors.file(self.user, enquiry, pk)
        except EnquiryFile.DoesNotExist as error:
            raise Http404 from error
        trail.record(
            action="enquiry.download",
            now=timezone.now(),
            actor=self.user,
            object_type="enquiry",
            object_id=enquiry.pk,
            object_label=enquiry.number,
            object_organisation_id=enquiry.organisation_id,
            detail={"file": found.pk},
        )
        return downloaded(found.name, found.content_type, bytes(found.content.data))
