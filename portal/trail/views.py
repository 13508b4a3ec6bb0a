"""Who did what and who read what, for auditors and managers (SEC-02, SEC-03)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from portal.common.csvfile import csv_response
from portal.common.pagination import paginate
from portal.common.time import JST
from portal.orgs.http import PersonRequest
from portal.orgs.permissions import READ_TRAIL
from portal.trail import selectors, services
from portal.trail.actions import label
from portal.trail.forms import FilterForm
from portal.trail.sensitive import Reason, reason_for_export

EXPORT_LIMIT = 100_000


@require_safe
def trail_list(request: PersonRequest) -> HttpResponse:
    """The newest entries first; reading the trail is recorded too."""
    _require_reader(request)
    form = FilterForm(request.GET)
    page = paginate(selectors.entries(request.user, form.filters()), request.GET.get("cursor"))
    services.record(action="trail.view", now=timezone.now(), actor=request.user, detail=_asked(form))
    rows = [(entry, label(entry.action)) for entry in page.rows]
    query = request.GET.copy()
    query.pop("cursor", None)
    context = {
        "form": form,
        "problems": form.error_summary,
        "page": page,
        "rows": rows,
        "query": query.urlencode(),
    }
    return render(request, "trail/list.html", context)


def _require_reader(request: PersonRequest) -> None:
    if not request.user.may(READ_TRAIL):
        raise PermissionDenied(_("Your role does not show the audit trail."))


@reason_for_export(
    title=gettext_lazy("Export of the audit trail"), back="trail_list", allowed=_require_reader
)
def trail_export(request: PersonRequest, *, reason: Reason) -> HttpResponseBase:
    """The same as CSV, for a reason; who took what and why is recorded first."""
    form = FilterForm(request.GET)
    rows = selectors.entries(request.user, form.filters()).order_by("-pk")[:EXPORT_LIMIT]
    detail = _asked(form) | {"limit": EXPORT_LIMIT} | reason.detail
    services.record(action="trail.export", now=timezone.now(), actor=request.user, detail=detail)
    header = [
        _("Time"),
        _("Person"),
        _("Login name"),
        _("Organisation of the person"),
        _("From where"),
        _("Action"),
    ]
    header += [_("About"), _("Organisation of the subject"), _("Error number"), _("Details")]
    return csv_response(f"{_('audit trail')}_{timezone.localdate()}.csv", header, _lines(rows))


def _asked(form: FilterForm) -> dict[str, Any]:
    return {"filters": {name: str(value) for name, value in form.cleaned_data.items() if value}}


def _lines(rows: Any) -> Iterator[list[Any]]:
    for entry in rows.iterator(chunk_size=1000):
        yield [
            f"{entry.at.astimezone(JST):%Y-%m-%d %H:%M:%S}",
            entry.actor_name,
            entry.actor.login_name if entry.actor else "",
            entry.organisation.short_name if entry.organisation else "",
            entry.ip,
            label(entry.action),
            entry.object_label,
            entry.object_organisation.short_name if entry.object_organisation else "",
            entry.error_number,
            entry.detail or "",
        ]
