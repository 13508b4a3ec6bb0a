"""Pages on which network operations look after the approval routes (ACC-03)."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from portal.common.forms import NormalisingField, PortalForm
from portal.orgs.http import PersonRequest
from portal.orgs.models import Organisation
from portal.orgs.permissions import DECIDE, MANAGE_ROUTES, Role
from portal.workflow import kinds, route_changes, routes
from portal.workflow.errors import ContentChanged
from portal.workflow.kinds import ApplicationKind, StageSpec
from portal.workflow.models import RouteStage

_EMPTY = {"label": "", "role": "", "decided_in": RouteStage.DecidedIn.OWN, "business_days": 3}


class StageForm(PortalForm):
    """One stage. A form whose name and role are both empty is no stage."""

    label = NormalisingField(label=gettext_lazy("Name of the stage"), max_length=60, required=False)
    role = forms.ChoiceField(
        label=gettext_lazy("Role"),
        required=False,
        choices=[("", gettext_lazy("No stage")), *((r.value, r.label) for r in Role if r in DECIDE.roles)],
    )
    decided_in = forms.ChoiceField(label=gettext_lazy("Decided in"), choices=RouteStage.DecidedIn.choices)
    business_days = forms.IntegerField(
        label=gettext_lazy("Business days"), min_value=1, max_value=route_changes.LONGEST_DAYS
    )
    side_by_side = (("label", "role"), ("decided_in", "business_days"))
    marked_required = frozenset({"label", "role"})

    def stage(self) -> StageSpec | None:
        """The stage of a checked form, None for no stage."""
        data = self.cleaned_data
        return StageSpec(**data) if data["label"] or data["role"] else None


@require_safe
def route_list(request: PersonRequest) -> HttpResponse:
    """Every kind with its general route and the organisations that have one of their own."""
    _require_manager(request)
    rows = RouteStage.objects.select_related("organisation")
    own: dict[str, dict[str, Organisation]] = {}
    for row in rows:
        if row.organisation is not None:
            own.setdefault(row.kind, {})[row.organisation.code] = row.organisation
    shown = [
        {
            "kind": kind,
            "stages": _shown(route_changes.own_rows(kind, None) or kind.default_route),
            "own": list(own.get(kind.code, {}).values()),
        }
        for kind in kinds.all_kinds()
    ]
    context = {"routes": shown, "organisations": Organisation.objects.all()}
    return render(request, "workflow/route_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def route_edit(request: PersonRequest, kind: str, code: str = "") -> HttpResponse:
    """The route of one kind, in general or of one organisation."""
    _require_manager(request)
    found, organisation = _find(kind, code or request.GET.get("organisation", ""))
    own = route_changes.own_rows(found, organisation)
    if request.method != "POST":
        return _page(request, found, organisation, _forms(own or _in_force(found, organisation)), own)
    stage_forms = [StageForm(request.POST, prefix=str(n)) for n in range(route_changes.MAX_STAGES)]
    valid = [form.is_valid() for form in stage_forms]  # every form, so that every error is shown
    if all(valid) and _saved(request, found, organisation, stage_forms):
        messages.success(request, _("Saved. The route is in force from the next submission on."))
        return redirect("route_list")
    return _page(request, found, organisation, stage_forms, own, status=422)


def _saved(
    request: PersonRequest,
    kind: ApplicationKind,
    organisation: Organisation | None,
    stage_forms: list[StageForm],
) -> bool:
    """Write the route; on refusal the forms carry the reasons."""
    filled = [form for form in stage_forms if form.stage() is not None]
    stages = [stage for form in filled if (stage := form.stage()) is not None]
    try:
        route_changes.set_route(
            actor=request.user,
            kind=kind,
            organisation=organisation,
            stages=[] if "reset" in request.POST else stages,
            seen=_seen(request.POST.get("seen", "")),
            now=timezone.now(),
        )
    except route_changes.InvalidRoute as exc:
        for index, text in exc.problems.items():
            filled[index or 0].add_error("role" if index is not None else None, text)
        return False
    except ContentChanged:
        text = _("Somebody changed this route meanwhile. Open the page again and look at it before you save.")
        stage_forms[0].add_error(None, text)
        return False
    return True


def _page(
    request: PersonRequest,
    kind: ApplicationKind,
    organisation: Organisation | None,
    stage_forms: list[StageForm],
    own: list[StageSpec],
    status: int = 200,
) -> HttpResponse:
    context = {
        "kind": kind,
        "organisation": organisation,
        "forms": stage_forms,
        "has_own": bool(own),
        "seen": request.POST.get("seen") or json.dumps([asdict(stage) for stage in own]),
        "problems": [problem for form in stage_forms if form.is_bound for problem in form.error_summary],
    }
    return render(request, "workflow/route_edit.html", context, status=status)


def _forms(stages: Any) -> list[StageForm]:
    rows = [asdict(stage) for stage in stages] + [_EMPTY] * route_changes.MAX_STAGES
    initial = [{**row, "label": _(row["label"]) if row["label"] else ""} for row in rows]
    return [StageForm(initial=initial[n], prefix=str(n)) for n in range(route_changes.MAX_STAGES)]


def _in_force(kind: ApplicationKind, organisation: Organisation | None) -> Any:
    return routes.route_of(kind, organisation) if organisation else kind.default_route


def _seen(text: str) -> list[StageSpec]:
    """The rows that the page was made from; something else is as good as changed meanwhile."""
    try:
        return [StageSpec(**row) for row in json.loads(text)]
    except (TypeError, ValueError, RecursionError) as exc:
        raise ContentChanged from exc


def _find(kind: str, code: str) -> tuple[ApplicationKind, Organisation | None]:
    """The kind, and the organisation when one is named. Raises Http404 for what does not exist or fit."""
    try:
        found = kinds.get(kind)
        organisation = Organisation.objects.get(code=code) if code else None
    except (KeyError, Organisation.DoesNotExist, ValueError) as exc:
        raise Http404 from exc
    if organisation is not None and organisation.kind not in found.organisation_kinds:
        raise Http404
    return found, organisation


def _shown(stages: Any) -> list[dict[str, Any]]:
    places = dict(RouteStage.DecidedIn.choices)
    return [
        {
            "label": _(stage.label),
            "role": Role(stage.role).label,
            "place": places[stage.decided_in],
            "days": stage.business_days,
        }
        for stage in stages
    ]


def _require_manager(request: PersonRequest) -> None:
    if not request.user.may(MANAGE_ROUTES):
        raise PermissionDenied(_("Only network operations change approval routes."))
