"""Pages with personal data that asks for more care: a banner, a reason before an export, values shown on request (docs/adr/0041).

The banner, first in the block `content` of the page:

    {% include "trail/_sensitive.html" %}

A reason before a download. The view gets it as `reason` and writes it into the trail with the rest; it is reached by a plain
link, asks for the reason and answers the form with the file:

    @reason_for_export(title=_("Export of the trail"), back="trail_list", allowed=_require_reader)
    def trail_export(request: PersonRequest, *, reason: Reason) -> HttpResponseBase:
        services.record(action="trail.export", …, detail={…} | reason.detail)

`allowed(request)` raises PermissionDenied (or Http404) before anything is asked. A value that is masked in lists and shown once,
on a page of its own, after a reason that is on record:

    {% include "trail/_masked.html" with masked=row.masked url=row.reveal_url what=_("…") %}

    def ledger_reveal(request: PersonRequest, pk: int) -> HttpResponse:
        row = get_object_or_404(LedgerRow.objects.visible_to(request.user), pk=pk)
        subject = Subject(object_type="ledger_row", object_id=row.pk, label=row.number, organisation_id=row.organisation_id)
        return reveal(request, action="ledger.reveal", title=_("…"), back=row.url, subject=subject, value=lambda: row.name)

Both need a policy in tests/matrix with an answer to POST, and a name for their action in portal.trail.actions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django import forms
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from portal.common.forms import PortalForm, ReasonField
from portal.orgs.http import PersonRequest
from portal.trail import services

PURPOSES = (
    ("CHECK", _("regular check of the records")),
    ("REPORT", _("report to the organisation or to an authority")),
    ("ENQUIRY", _("answer to an enquiry")),
    ("INCIDENT", _("examination of an incident")),
    ("OTHER", _("another purpose")),
)


@dataclass(frozen=True)
class Reason:
    """For what somebody takes or looks at personal data, in their own words."""

    purpose: str
    text: str

    @property
    def detail(self) -> dict[str, Any]:
        """For the trail."""
        return {"reason": {"purpose": self.purpose, "text": self.text}}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a shown value belongs to, for the trail."""

    object_type: str
    object_id: str | int
    label: str
    organisation_id: int | None = None


class ReasonForm(PortalForm):
    """For what, and why."""

    purpose = forms.ChoiceField(label=_("Purpose"), choices=[("", _("Please choose")), *PURPOSES])
    text = ReasonField(
        label=_("Reason"),
        max_length=500,
        help_text=_("In words that somebody understands who reads it in a year."),
    )

    def reason(self) -> Reason:
        """What a valid form says."""
        return Reason(self.cleaned_data["purpose"], self.cleaned_data["text"])


def reason_for_export(
    *, title: Any, back: str, allowed: Callable[[Any], None]
) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """A download that is given only for a reason. `back`: the name of the page that leads to it."""

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @require_http_methods(["GET", "HEAD", "POST"])
        @wraps(view)
        def asking(request: PersonRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            allowed(request)
            form = ReasonForm(request.POST if request.method == "POST" else None)
            if form.is_valid():
                return view(request, *args, reason=form.reason(), **kwargs)
            query = f"?{request.GET.urlencode()}" if request.GET else ""
            return _ask(request, form, title, f"{reverse(back)}{query}", is_export=True)

        return asking

    return decorate


def reveal(
    request: PersonRequest, *, action: str, title: Any, back: str, subject: Subject, value: Callable[[], str]
) -> HttpResponse:
    """Ask why; after the answer record it and show the value, once. The caller has checked that the person may."""
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _ask(request, form, title, back, is_export=False)
    services.record(
        action=action,
        now=timezone.now(),
        actor=request.user,
        object_type=subject.object_type,
        object_id=subject.object_id,
        object_label=subject.label,
        object_organisation_id=subject.organisation_id,
        detail=form.reason().detail,
    )
    context = {"title": title, "back": back, "subject": subject, "value": value()}
    response = render(request, "trail/revealed.html", context)
    response["Cache-Control"] = "no-store, private"
    return response


def masked(value: str, *, shown: int = 0) -> str:
    """Dots, with the last `shown` characters where they help to tell values apart; never more than a third of it."""
    kept = min(shown, len(value) // 3)
    return "•" * 6 + (value[-kept:] if kept else "") if value else ""


def _ask(request: PersonRequest, form: ReasonForm, title: Any, back: str, *, is_export: bool) -> HttpResponse:
    context = {
        "form": form,
        "problems": form.error_summary,
        "title": title,
        "back": back,
        "is_export": is_export,
    }
    return render(request, "trail/reason.html", context, status=422 if form.is_bound else 200)
