"""Writing an application: choose the kind, fill in as many lines as needed, look at it once more, submit."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.common.downloads import downloaded
from portal.orgs.models import Organisation
from portal.orgs.permissions import APPLY
from portal.trail import services as trail
from portal.workflow import content, errors, freezing, kinds, selectors, services
from portal.workflow.bulk import services as bulk
from portal.workflow.bulk.views import checked_and_shown
from portal.workflow.forms import Editor
from portal.workflow.models import Application, Attachment, AttachmentContent
from portal.workflow.views import ApplicationView, PersonView, StepView, shown_or_summed_up, to_detail


class CreateView(PersonView):
    """A new draft of one kind. GET asks for the organisation (and keeps what a link brought along); POST makes it."""

    def get(self, request: HttpRequest, kind: str) -> HttpResponse:
        """Values of the query that the kind's form knows go into the first line."""
        chosen = _kind(kind)
        organisations = [o for o in _places(self) if chosen in kinds.kinds_for(o)]
        if not organisations:
            raise PermissionDenied(_("Your organisation cannot apply for this."))
        brought = [
            (name, value) for name, value in request.GET.items() if name in chosen.form_class.base_fields
        ]
        context = {
            "kind": chosen,
            "organisations": organisations,
            "brought": brought,
            "drafts": selectors.drafts(self.user).filter(kind=kind)[:5],
        }
        return render(request, "workflow/create.html", context)

    def post(self, request: HttpRequest, kind: str) -> HttpResponse:
        """Go on with the untouched draft of a first click rather than leave a second one behind."""
        chosen = _kind(kind)
        sent = request.POST.get("organisation", "")
        organisation = next((place for place in _places(self) if place.code == sent), None)
        if organisation is None:
            raise Http404
        line = {name: v for name in chosen.form_class.base_fields if (v := request.POST.get(f"line-{name}"))}
        if not line:
            untouched = selectors.drafts(self.user).filter(
                kind=kind, organisation=organisation, version=1, reason=""
            )
            if (draft := untouched.filter(subject="").first()) is not None:
                return redirect("application_edit", number=draft.number)
        try:
            draft = services.create_draft(
                kind=kind,
                organisation_id=organisation.pk,
                actor=self.user,
                content=content.Content(lines=(line,)) if line else None,
                now=timezone.now(),
            )
        except errors.InvalidApplication as error:
            raise PermissionDenied(str(error)) from error
        return redirect("application_edit", number=draft.number)


def _places(view: PersonView) -> list[Organisation]:
    """Where this person may apply; nowhere is a 403 that says so."""
    organisations = view.user.organisations_where(APPLY)
    if not organisations:
        raise PermissionDenied(
            _("Only applicants can write applications. Ask your security manager for the role.")
        )
    return organisations


def _kind(code: str) -> kinds.ApplicationKind[Any]:
    try:
        return kinds.get(code)
    except KeyError as error:
        raise Http404 from error


class EditView(ApplicationView):
    """The form. Everything that is typed is kept, whether it is right or not."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """The draft as it was left."""
        application = self.load_editable(number)
        return self.show(application, Editor(application, user=self.user, today=timezone.localdate()))

    def post(self, request: HttpRequest, number: str, **kwargs: int) -> HttpResponse:
        """Save, then do what the button says: stay, add or remove a line, go on to the confirmation."""
        application = self.load_editable(number)
        editor = Editor(application, user=self.user, today=timezone.localdate(), data=request.POST)
        saved = self.save(application, editor)
        if isinstance(saved, HttpResponse):
            return saved
        if request.POST.get("action") == "autosave":
            return self.state(saved, corrections=editor.corrections())
        if corrected := editor.corrections():
            pairs = [f"{found.label}「{found.typed}」→「{found.corrected}」" for found in corrected]
            messages.info(request, _("Corrected automatically: %(pairs)s") % {"pairs": "、".join(pairs)})
        return self.go_on(saved, editor)

    def go_on(self, application: Application, editor: Editor) -> HttpResponse:
        """After saving: where the pressed button leads."""
        address = reverse("application_edit", kwargs={"number": application.number})
        if "remove_line" in self.request.POST:
            return redirect(f"{address}#lines")
        if self.request.POST.get("action") == "add_line":
            return redirect(f"{address}#line-{application.line_count}")
        if self.request.POST.get("action") == "next":
            if editor.is_complete():
                return redirect("application_confirm", number=application.number)
            return self.show(application, editor, status=422)
        if not editor.header.is_valid():  # a date that cannot be read is not in the draft: do not lose it
            return self.show(application, editor, status=422)
        messages.success(self.request, _("The draft was saved."))
        return redirect(address)

    def save(self, application: Application, editor: Editor) -> Application | HttpResponse:
        """Store the draft; the answer to show instead when it changed in another tab or cannot be stored."""
        removed = self.request.POST.get("remove_line", "")
        written = editor.content(
            without=int(removed) if removed.isascii() and removed.isdigit() and len(removed) < 10 else None,
            more=self.request.POST.get("action") == "add_line",
        )
        sent = self.request.POST.get("version", "")
        version = int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else 0
        now = timezone.now()
        try:
            editor.require_room()
            return services.save_draft(
                application_id=application.pk, actor=self.user, content=written, version=version, now=now
            )
        except errors.ContentChanged:
            if self.request.POST.get("action") == "autosave":
                return self.state(application, conflict=True)
            return self.show(self.load(application.number), editor, conflict=True, status=409)
        except errors.InvalidApplication as error:
            if self.request.POST.get("action") == "autosave":
                return self.state(application, refused=True)
            editor.add_errors(error.errors)
            return self.show(application, editor, status=422)

    def load_editable(self, number: str) -> Application:
        """The application, when this person may change it now; 403 otherwise, 409 when it is not editable any more."""
        application = self.load(number)
        if not application.is_editable:
            raise errors.MoveNotAllowed(number, application.status, "")
        if not selectors.actions(self.user, application).edit:
            raise errors.NotAllowed(_("Only the applicant can change this application."))
        return application

    def show(
        self, application: Application, editor: Editor, *, conflict: bool = False, status: int = 200
    ) -> HttpResponse:
        """The form page."""
        context = {
            "application": application,
            "kind": editor.kind,
            "editor": editor,
            # Which of two windows counts comes first; what is wrong in it is said at its fields.
            "problems": [] if conflict else editor.problems,
            "conflict": conflict,
            "returned": [e for e in application.events.all() if e.verb == "RETURNED"][-1:],
        }
        return render(self.request, "workflow/edit.html", context, status=status)

    def state(self, application: Application, *, status: int = 200, **context: Any) -> HttpResponse:
        """The line under the title that tells when the draft was saved (the answer to the autosave)."""
        values = {"application": application, "saved_at": timezone.now(), **context}
        return render(self.request, "workflow/_draft_state.html", values, status=status)


class ConfirmView(EditView):
    """Check answers: everything once more, with what will change and the automatic checks, then the button."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """The form with its errors (422) when it could not be submitted as it is."""
        application = self.load_editable(number)
        kind = kinds.get(application.kind)
        stored = [line.payload for line in application.lines.all()]
        try:
            checked = content.check_for_submission(
                kind, application, stored, actor=self.user, today=timezone.localdate()
            )
        except errors.InvalidApplication as error:
            return self.refuse(application, error)
        lines = [
            {"line": line, "payload": found.payload, "plan": found.plan}
            for line, found in zip(application.lines.all(), checked, strict=True)
        ]
        context = {
            "application": application,
            "kind": kind,
            "asked_at": timezone.now(),
            "freezes": freezing.concerning(application, timezone.now()),
            **shown_or_summed_up(kind, lines),
        }
        return render(request, "workflow/confirm.html", context)

    def refuse(self, application: Application, error: errors.InvalidApplication) -> HttpResponse:
        """The form with the errors of the check at their fields; of many lines, their table with the errors (ACC-13)."""
        kind = kinds.get(application.kind)
        if kind.is_bulk(application.line_count) and any(path.startswith("lines.") for path in error.errors):
            upload = bulk.reopen(application_id=application.pk, actor=self.user, now=timezone.now())
            messages.error(self.request, _("Some rows must be corrected before this can be submitted."))
            return checked_and_shown(upload)
        editor = Editor(application, user=self.user, today=timezone.localdate(), stored=True)
        editor.add_errors(error.errors)
        return self.show(application, editor, status=422)


class SubmitView(ConfirmView):
    """The submission itself."""

    http_method_names = ["post", "options"]  # noqa: RUF012

    def post(self, request: HttpRequest, number: str, **kwargs: int) -> HttpResponse:
        """422 with the form when a check failed meanwhile, 409 when the draft changed in another tab."""
        application = self.load_editable(number)
        sent = request.POST.get("version", "")
        version = int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else 0
        try:
            services.submit(
                application_id=application.pk, actor=self.user, version=version, now=timezone.now()
            )
        except errors.InvalidApplication as error:
            return self.refuse(self.load(number), error)
        except errors.ContentChanged:
            fresh = self.load(number)
            editor = Editor(fresh, user=self.user, today=timezone.localdate())
            return self.show(fresh, editor, conflict=True, status=409)
        except errors.NobodyCanDecide as error:
            raise errors.NotAllowed(
                _("Nobody can decide the stage “%(stage)s”. Ask network operations to register an approver.")
                % {"stage": _(error.stage_label)}
            ) from error
        messages.success(
            request, _("The application %(number)s was submitted.") % {"number": application.number}
        )
        return to_detail(application)


class CopyView(StepView):
    """A new draft from an earlier application; dates and attachments are not copied."""

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        """On to the form of the new draft."""
        application = self.load(number)
        draft = services.copy(application_id=application.pk, actor=self.user, now=timezone.now())
        messages.success(
            request, _("Copied from %(number)s. Check every entry.") % {"number": application.number}
        )
        return redirect("application_edit", number=draft.number)


class AttachmentAddView(EditView):
    """A file for the draft. The button stands in the form, so what was typed is saved with it."""

    http_method_names = ["post", "options"]  # noqa: RUF012

    def go_on(self, application: Application, editor: Editor) -> HttpResponse:
        """Attach after saving; a file that is refused is named at its field, nothing else is lost."""
        address = reverse("application_edit", kwargs={"number": application.number})
        upload = self.request.FILES.get("attachment")
        if upload is None:
            messages.error(self.request, _("Choose a file first."))
            return redirect(f"{address}#attachments")
        try:
            services.add_attachment(
                application_id=application.pk,
                actor=self.user,
                name=upload.name or "",
                data=upload.read(
                    settings.ATTACHMENT_MAX_BYTES + 1
                ),  # one more than allowed is enough to refuse
                now=timezone.now(),
            )
        except errors.InvalidApplication as error:
            editor.add_errors(error.errors)
            return self.show(self.load(application.number), editor, status=422)
        messages.success(self.request, _("The file was attached."))
        return redirect(f"{address}#attachments")


class AttachmentRemoveView(EditView):
    """Take a file off the draft; what was typed is saved with it."""

    http_method_names = ["post", "options"]  # noqa: RUF012

    def go_on(self, application: Application, editor: Editor) -> HttpResponse:
        """An attachment of another application is unknown here."""
        address = reverse("application_edit", kwargs={"number": application.number})
        try:
            services.remove_attachment(
                application_id=application.pk,
                attachment_id=self.kwargs["attachment_id"],
                actor=self.user,
                now=timezone.now(),
            )
        except Attachment.DoesNotExist as error:
            raise Http404 from error
        return redirect(f"{address}#attachments")


class AttachmentView(ApplicationView):
    """A file, only ever through the application that it belongs to, and never shown inside the portal's own pages."""

    def get(self, request: HttpRequest, number: str, attachment_id: int) -> HttpResponse:
        """Downloading leaves a trace (SEC-02)."""
        application = self.load(number)
        attachment = next((a for a in application.attachments.all() if a.pk == attachment_id), None)
        if attachment is None:
            raise Http404
        trail.record(
            action="attachment.download",
            now=timezone.now(),
            actor=self.user,
            object_type="application",
            object_id=application.pk,
            object_label=application.number,
            object_organisation_id=application.organisation_id,
            detail={"attachment": attachment.pk},
        )
        data = bytes(AttachmentContent.objects.get(pk=attachment.pk).data)
        return downloaded(attachment.name, attachment.content_type, data)
