"""The forms of the application screens. What belongs to one kind comes from that kind's own form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.common.forms import Correction, PortalForm, Problem, ReasonField, WarekiDateField
from portal.orgs.models import Organisation, User
from portal.workflow import kinds
from portal.workflow.content import COMMENT_LENGTH, REASON_LENGTH, Content, missing_reason, too_many_lines
from portal.workflow.errors import InvalidApplication
from portal.workflow.models import Application, ApplicationLine, Status

DECISIONS = ("approve", "return", "reject")
COMMENT_REQUIRED = frozenset({"return", "reject"})


class HeaderForm(PortalForm):
    """What every kind asks. A draft may leave all of it empty; submission checks again (portal.workflow.content)."""

    marked_required = frozenset({"reason"})

    reason = ReasonField(
        label=gettext_lazy("Reason for the application"),
        required=False,
        max_length=REASON_LENGTH,
        help_text=gettext_lazy("Write why this is needed, so that the approver can decide."),
    )
    desired_on = WarekiDateField(
        label=gettext_lazy("Effective date"),
        required=False,
        help_text=gettext_lazy(
            "It is carried out on this date from 0:00, for example 2026/12/1 or R8.12.1. Empty: as soon as it is approved."
        ),
    )


class DecisionForm(PortalForm):
    """A decision and what the person saw when deciding: the stage, the content, the plan."""

    stage_id = forms.IntegerField(widget=forms.HiddenInput)
    content_hash = forms.CharField(widget=forms.HiddenInput, max_length=64)
    plan_digest = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)
    comment = forms.CharField(
        label=gettext_lazy("Comment"), widget=forms.Textarea, required=False, max_length=COMMENT_LENGTH
    )


class AskedDecisionForm(DecisionForm):
    """The decision page's own form: which button was pressed, and a comment where one is needed."""

    decision = forms.ChoiceField(choices=[(name, name) for name in DECISIONS], widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("decision") in COMMENT_REQUIRED and not cleaned.get("comment", "").strip():
            self.add_error("comment", _("Write the reason, so that the applicant knows what to do."))
        return cleaned


class CommentForm(PortalForm):
    """A comment of the applicant's own steps."""

    comment = forms.CharField(
        label=gettext_lazy("Comment"), widget=forms.Textarea, required=False, max_length=COMMENT_LENGTH
    )


class SaveFilterForm(PortalForm):
    """A name for the filter that the list shows now."""

    name = forms.CharField(label=gettext_lazy("Name of the tab"), max_length=40)
    query = forms.CharField(widget=forms.HiddenInput, max_length=5000, required=False)


class FilterForm(PortalForm):
    """The filter bar of the list, shown with the values of the URL."""

    q = forms.CharField(label=gettext_lazy("Keyword"), required=False)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), required=False)
    status = forms.ChoiceField(label=gettext_lazy("Status"), required=False)
    due = forms.ChoiceField(label=gettext_lazy("Due date"), required=False)
    since = WarekiDateField(label=gettext_lazy("Submitted from"), required=False)
    until = WarekiDateField(label=gettext_lazy("Submitted until"), required=False)
    organisation = forms.ChoiceField(label=gettext_lazy("Organisation"), required=False)

    def __init__(self, *args: Any, organisations: Sequence[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        every = ("", _("All"))
        self.fields["q"].widget.attrs["placeholder"] = _("Number, name, kana, login name")
        self.fields["kind"].choices = [every, *((kind.code, kind.label) for kind in kinds.all_kinds())]  # type: ignore[attr-defined]
        self.fields["status"].choices = [every, *Status.choices]  # type: ignore[attr-defined]
        self.fields["due"].choices = [every, ("overdue", _("overdue")), ("7days", _("within 7 days"))]  # type: ignore[attr-defined]
        if len(organisations) > 1:
            self.fields["organisation"].choices = [every, *((o.code, o.short_name) for o in organisations)]  # type: ignore[attr-defined]
        else:
            del self.fields["organisation"]


@dataclass
class LineEditor:
    """One line on the editing page."""

    position: int
    form: Any
    subject: str = ""

    @property
    def number(self) -> int:
        """As people count."""
        return self.position + 1


class Editor:
    """The header form and one form for each line of an editable application.

    Without `data` it shows what is stored and reports nothing. With `data` (of a POST) it is bound to that. With
    `stored=True` it is bound to what is stored, so that the errors of a submission stand at their fields.
    """

    def __init__(
        self,
        application: Application,
        *,
        user: User,
        today: date,
        data: Mapping[str, Any] | None = None,
        stored: bool = False,
    ) -> None:
        self.application = application
        self.kind = kinds.get(application.kind)
        self._context = kinds.LineContext(
            organisation=application.organisation, actor=user, application=application, today=today
        )
        self._unplaced: list[Problem] = []
        self.attachment_errors: list[str] = []
        kept = list(application.lines.all())
        # Hundreds of lines are corrected in a table of their own (ACC-13); here they stay as they are.
        self.is_bulk = self.kind.is_bulk(len(kept))
        self._kept = [dict(line.payload) for line in kept] if self.is_bulk else []
        if self.is_bulk:
            kept = []
        if data is not None:
            self.header = HeaderForm(data)
            count = 0 if self.is_bulk else self._count(data)
            self.lines = [self._line(n, data=data) for n in range(count)]
        elif stored:
            self.header = HeaderForm({"reason": application.reason, "desired_on": application.desired_on})
            self.lines = [self._line(n, data=_prefixed(n, line.payload)) for n, line in enumerate(kept)]
        else:
            initial = {"reason": application.reason, "desired_on": application.desired_on}
            self.header = HeaderForm(initial=initial)
            self.lines = [self._line(n, line=line) for n, line in enumerate(kept)]
            if not self.lines and not self.is_bulk:
                self.lines = [self._line(0)]

    def _line(self, position: int, *, data: Any = None, line: ApplicationLine | None = None) -> LineEditor:
        form = self.kind.form_class(  # type: ignore[call-arg]
            data=data,
            initial=line.payload if line else None,
            prefix=f"lines-{position}",
            context=self._context,
        )
        return LineEditor(position, form, line.subject if line else "")

    def _count(self, data: Mapping[str, Any]) -> int:
        """How many lines were sent, never more than the kind takes (and one, for the message about it)."""
        sent = str(data.get("lines-count", "1"))
        return (
            min(int(sent), self.kind.max_lines + 1)
            if sent.isascii() and sent.isdigit() and len(sent) < 5
            else 1
        )

    @property
    def can_add(self) -> bool:
        """Whether one more line fits."""
        return not self.is_bulk and len(self.lines) < self.kind.max_lines

    def is_valid(self) -> bool:
        """Whether every form is filled in well; submission checks more than this."""
        return all([self.header.is_valid(), *(line.form.is_valid() for line in self.lines)])

    def is_complete(self) -> bool:
        """Whether one may go on to the confirmation: filled in well, and it says why. All errors stand there at once."""
        self.is_valid()
        if problem := missing_reason(self.header.cleaned_data.get("reason", "too long")):
            self.header.add_error("reason", problem)
        return self.is_valid()

    def content(self, *, without: int | None = None, more: bool = False) -> Content:
        """What was written, to be stored as a draft: corrected where it is good, as typed where it is not."""
        self.header.is_valid()
        lines = self._kept or [self._value(line) for line in self.lines if line.position != without]
        if more and self.can_add:
            lines.append({})
        cleaned = self.header.cleaned_data
        # A date that cannot be read cannot be stored: the page keeps it and says so, the stored one stays.
        desired_on = cleaned.get("desired_on", self.application.desired_on)
        reason = cleaned.get("reason", str(self.header["reason"].value() or ""))
        return Content(reason=reason, desired_on=desired_on, lines=tuple(lines))

    def _value(self, line: LineEditor) -> dict[str, Any]:
        if line.form.is_valid():
            return self.kind.dump(line.form.to_payload())
        typed = {name: line.form[name].value() for name in line.form.fields}
        return {name: value for name, value in typed.items() if value not in (None, "", [])}

    def require_room(self) -> None:
        """Raises InvalidApplication when more lines were sent than the screen takes; a file may hold more (ACC-13)."""
        if len(self.lines) > self.kind.max_lines:
            raise InvalidApplication({"lines": [too_many_lines(self.kind.max_lines)]})

    def corrections(self) -> list[Correction]:
        """What was corrected at entry, over all lines."""
        return [found for line in self.lines if line.form.is_bound for found in line.form.corrections()]

    def add_errors(self, errors: Mapping[str, Sequence[str]]) -> None:
        """Put the errors of a service at their fields; what has no field goes to the summary."""
        self.is_valid()
        for path, texts in errors.items():
            if path == "attachments":
                self.attachment_errors += texts
                continue
            form, field = self._place(path)
            for text in texts:
                if form is None:
                    self._unplaced.append(Problem("", text))
                elif text not in (form.errors.get(field, []) if field else form.non_field_errors()):
                    form.add_error(field, text)

    def _place(self, path: str) -> tuple[Any, str | None]:
        if path in self.header.fields:
            return self.header, path
        start, _dot, rest = path.partition(".")
        position, _dot, field = rest.partition(".")
        if start != "lines" or not position.isdigit() or int(position) >= len(self.lines):
            return None, None
        form = self.lines[int(position)].form
        return form, field if field in form.fields else None

    @cached_property
    def problems(self) -> list[Problem]:
        """Every error for the summary, in the order of the page; with several lines each says which."""
        found = list(self._unplaced)
        for line in self.lines:
            if line.form.is_bound:
                found += [self._named(line, problem) for problem in line.form.error_summary]
        found += self.header.error_summary if self.header.is_bound else []
        return found + [Problem("id_attachment", text) for text in self.attachment_errors]

    def _named(self, line: LineEditor, problem: Problem) -> Problem:
        target = problem.target or f"line-{line.number}"
        if len(self.lines) == 1:
            return Problem(target, problem.text)
        return Problem(target, _("No. %(number)d: %(text)s") % {"number": line.number, "text": problem.text})


def _prefixed(position: int, payload: Mapping[str, Any]) -> dict[str, Any]:
    return {f"lines-{position}-{name}": value for name, value in payload.items()}
