"""証跡の検証: the state of the seal, the newest checkpoints, the proof for one record, and what all this does not show (SEC-02)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from portal.common.downloads import downloaded
from portal.common.forms import PortalForm
from portal.orgs.http import PersonRequest
from portal.orgs.models import User
from portal.orgs.permissions import READ_TRAIL, SEES_EVERYTHING
from portal.trail import checkpoints, keys, sealing, selectors, services
from portal.trail.models import Checkpoint, Leaf
from portal.trail.sources import all_sources

_SHOWN = 30


class RecordForm(PortalForm):
    """One record: its kind and its number."""

    source = forms.ChoiceField(label=gettext_lazy("Kind of record"))
    key = forms.IntegerField(label=gettext_lazy("Number of the record"), min_value=-(2**62), max_value=2**62)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["source"]
        field.choices = [(source.name, source.label) for source in all_sources()]


@require_safe
def evidence(request: PersonRequest) -> HttpResponse:
    """For whoever reads the trail; the view is recorded."""
    require_reader(request.user)
    now = timezone.now()
    asked = "source" in request.GET
    form = RecordForm(request.GET if asked else None, initial={"source": "trail.entry"})
    leaf = _leaf(request.user, form) if asked and form.is_valid() else None
    services.record(action="evidence.view", now=now, actor=request.user, detail=_asked(form))
    last = sealing.newest()
    context = {
        "form": form,
        "problems": form.error_summary if asked else [],
        "asked": asked and form.is_valid(),
        "leaf": leaf,
        "proof": checkpoints.proof_of(leaf) if leaf else None,
        "last": last,
        "last_root": checkpoints.short_root(last) if last else "",
        "is_fresh": sealing.seal_is_fresh(now),
        "rows": [(row, checkpoints.short_root(row)) for row in Checkpoint.objects.all()[:_SHOWN]],
        "keys": [str(key) for key in keys.known()],
        "sources": all_sources(),
    }
    return render(request, "trail/evidence.html", context)


@require_safe
def evidence_checkpoint(request: PersonRequest, pk: int) -> HttpResponse:
    """A checkpoint as the text that was signed, to be kept elsewhere (C2SP signed note)."""
    require_reader(request.user)
    found = Checkpoint.objects.filter(pk=pk).first()
    if found is None:
        raise Http404
    services.record(
        action="evidence.checkpoint",
        now=timezone.now(),
        actor=request.user,
        object_type="checkpoint",
        object_id=found.pk,
        object_label=str(found.size),
    )
    return downloaded(f"checkpoint-{found.size}.txt", "text/plain; charset=utf-8", found.note.encode())


def require_reader(user: User) -> None:
    """Whoever reads the trail."""
    if not user.may(READ_TRAIL):
        raise PermissionDenied(_("Your role does not show the audit trail."))


def _leaf(user: User, form: RecordForm) -> Leaf | None:
    """The leaf of a record that this person may read: of a federation, entries of its own trail only (ORG-02)."""
    source, key = form.cleaned_data["source"], form.cleaned_data["key"]
    everything = any(each.kind in SEES_EVERYTHING for each in user.organisations_where(READ_TRAIL))
    if not everything:
        own = selectors.entries(user, selectors.Filters()).filter(pk=key)
        if source != "trail.entry" or not own.exists():
            return None
    return Leaf.objects.filter(source=source, row_key=key).first()


def _asked(form: RecordForm) -> dict[str, Any]:
    if not form.is_bound or not form.is_valid():
        return {}
    return {"record": f"{form.cleaned_data['source']} {form.cleaned_data['key']}"}
