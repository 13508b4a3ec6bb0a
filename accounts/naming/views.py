"""The page of the naming rule, and the button that proposes a login name on the form."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.naming import correcting, free, rules
from accounts.naming.forms import LoginNameInput, NamingRuleForm, OtherNameForm
from accounts.naming.models import NamingRule
from accounts.naming.pattern import Namesake, PatternError
from accounts.naming.proposals import propose_login_names, rule_of
from accounts.provisioning import payload_of
from accounts.selectors import correctable_operation
from portal.common.text import katakana
from portal.fulfilment.errors import MoveNotAllowed
from portal.fulfilment.models import Operation
from portal.orgs import people, selectors
from portal.orgs.http import PersonRequest
from portal.orgs.people_views import attempt, translated
from portal.workflow import content, errors, services
from portal.workflow.forms import Editor, LineEditor
from portal.workflow.models import Application
from portal.workflow.views import PersonView
from portal.workflow.views_editing import EditView

_VERSIONS_SHOWN = 10


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@translated
def naming_rule(request: PersonRequest, code: str) -> HttpResponse:
    """The rule of one organisation with what it makes; "preview" shows the typed one, "save" makes it the rule."""
    organisation = selectors.organisation(request.user, code)
    people.require_manager(request.user, organisation.pk)
    rule = rule_of(organisation)
    form = NamingRuleForm(request.POST or None, rule=rule)
    saving = request.POST.get("action") == "save"
    if saving and attempt(
        form,
        lambda: rules.change_rule(
            organisation_id=organisation.pk, actor=request.user, now=timezone.now(), **form.cleaned_data
        ),
    ):
        messages.success(request, _("The naming rule was saved. It holds for new proposals."))
        return redirect("naming_rule", code=code)
    shown = rule
    if form.is_bound and form.is_valid():
        values = {name: value for name, value in form.cleaned_data.items() if name != "version"}
        shown = NamingRule(organisation=organisation, **values)
    samples = _samples(shown, form)
    versions = organisation.naming_rules.select_related("made_by")[:_VERSIONS_SHOWN]
    context = {
        "organisation": organisation,
        "form": form,
        "problems": form.error_summary if form.is_bound else (),
        "samples": samples,
        "rule": rule,
        "versions": versions,
    }
    failed = form.is_bound and not form.is_valid()
    return render(request, "accounts/naming_rule.html", context, status=422 if failed else 200)


def _samples(rule: NamingRule, form: NamingRuleForm) -> list[rules.Sample]:
    try:
        return rules.preview(rule)
    except PatternError as error:
        if form.is_bound and "pattern" not in form.errors:
            form.add_error("pattern", error.reason)
        return []


class ProposeNameView(EditView):
    """A free login name for one line. The button stands in the form, so what was typed is saved with it."""

    http_method_names = ["post", "options"]  # noqa: RUF012

    def post(self, request: HttpRequest, number: str, **kwargs: int) -> HttpResponse:
        """With htmx only the box comes back and the draft is left to the autosave; else the page, saved."""
        if not getattr(request, "htmx", False):
            return super().post(request, number, **kwargs)
        application = self.load_editable(number)
        data = request.POST.copy()
        editor = Editor(application, user=self.user, today=timezone.localdate(), data=data)
        line = _line(editor, request.POST.get("propose", ""))
        typed = str(line.form["login_name"].value() or "").strip().lower()
        if request.POST.get("typing") and typed and not free.is_held(application, typed):
            return HttpResponse(status=204)  # written by hand: never replaced while somebody types
        name = self.propose(application, editor, line)
        data[f"{line.form.prefix}-login_name"] = name or typed
        fresh = Editor(application, user=self.user, today=timezone.localdate(), data=data)
        bound = fresh.lines[line.position].form["login_name"]
        bound.field.widget.said = _said(name)
        return HttpResponse(str(bound))

    def go_on(self, application: Application, editor: Editor) -> HttpResponse:
        """After saving: put the name into the line and save once more."""
        line = _line(editor, self.request.POST.get("propose", ""))
        name = self.propose(application, editor, line)
        address = reverse("application_edit", kwargs={"number": application.number})
        if not name:
            messages.warning(self.request, _said(name))
            return redirect(f"{address}#line-{line.number}")
        written = editor.content()
        lines = [dict(value) for value in written.lines]
        lines[line.position]["login_name"] = name
        filled = content.Content(reason=written.reason, desired_on=written.desired_on, lines=tuple(lines))
        try:
            services.save_draft(
                application_id=application.pk,
                actor=self.user,
                content=filled,
                version=application.version,
                now=timezone.now(),
            )
        except errors.ContentChanged:
            return self.show(self.load(application.number), editor, conflict=True, status=409)
        messages.success(self.request, _said(name))
        return redirect(f"{address}#line-{line.number}")

    def propose(self, application: Application, editor: Editor, line: LineEditor) -> str:
        """A free name that no other line has."""
        others = [
            str(other.form["login_name"].value() or "").strip() for other in editor.lines if other is not line
        ]
        (name,) = propose_login_names(
            application.organisation,
            [namesake_of(line.form)],
            application=application,
            keep=[other for other in others if other],
            now=timezone.now(),
        )
        return name


def namesake_of(form: Any) -> Namesake:
    """What a form, filled in well or not, says about a person."""

    def value(name: str) -> str:
        return str(form[name].value() or "") if name in form.fields else ""

    return Namesake(
        family_kana=katakana(value("family_kana")),
        given_kana=katakana(value("given_kana")),
        staff_number=value("staff_number"),
    )


def _line(editor: Editor, position: str) -> LineEditor:
    """The line that the button belongs to; 404 for kinds whose login names are not proposed."""
    short = position.isascii() and position.isdigit() and len(position) < 6
    if not short or int(position) >= len(editor.lines):
        raise Http404
    line = editor.lines[int(position)]
    field = line.form.fields.get("login_name")
    if field is None or not isinstance(field.widget, LoginNameInput):
        raise Http404
    return line


def _said(name: str) -> str:
    if name:
        return _("%(name)s is free and is held for this application.") % {"name": name}
    return _(
        "No login name can be proposed yet. Enter the reading of the name first, or write a login name yourself."
    )


class ChangeLoginNameView(PersonView):
    """Operations choose another login name for a line whose name was taken in AD since the approval."""

    def load(self, operation_id: int) -> Operation:
        """The operation; unknown to whoever may not run operations."""
        try:
            operation = correctable_operation(self.user, operation_id)
        except Operation.DoesNotExist as error:
            raise Http404 from error
        if not hasattr(payload_of(operation), "family_kana"):
            raise Http404  # a reset gives no name
        return operation

    def get(self, request: HttpRequest, operation_id: int) -> HttpResponse:
        """With a free name as the proposal."""
        operation = self.load(operation_id)
        name = correcting.proposal(operation, now=timezone.now())
        return self.page(operation, OtherNameForm(initial={"login_name": name}))

    def post(self, request: HttpRequest, operation_id: int) -> HttpResponse:
        """Choose and go on."""
        operation = self.load(operation_id)
        form = OtherNameForm(request.POST)
        if not form.is_valid():
            return self.page(operation, form, status=422)
        name = form.cleaned_data["login_name"]
        try:
            correcting.change_login_name(
                operation_id=operation.pk, login_name=name, actor=self.user, now=timezone.now()
            )
        except correcting.NameRefused as error:
            form.add_error("login_name", error.reason)
            return self.page(operation, form, status=422)
        except MoveNotAllowed:
            form.add_error(
                None, _("The operation has gone on meanwhile. Its login name can no longer be changed.")
            )
            return self.page(operation, form, status=409)
        messages.success(request, _("The login name was changed. The portal tries again at once."))
        return redirect("operation_detail", operation.pk)

    def page(self, operation: Operation, form: OtherNameForm, status: int = 200) -> HttpResponse:
        """The form with what was chosen."""
        context = {
            "operation": operation,
            "form": form,
            "problems": form.error_summary if form.is_bound else (),
        }
        return render(self.request, "accounts/change_login_name.html", context, status=status)
