"""The page of continuity packs, for people of operations (ACC-12)."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from portal.common.pagination import paginate
from portal.continuity import errors, selectors, services
from portal.continuity.models import ContinuityPack
from portal.orgs.http import PersonRequest
from portal.orgs.permissions import READ_OPERATIONS, RUN_OPERATIONS
from portal.trail import services as trail


@require_safe
@never_cache
def pack_list(request: PersonRequest) -> HttpResponse:
    """What was made and when, and how many numbers are kept aside."""
    if not request.user.may(READ_OPERATIONS):
        raise PermissionDenied(_("Only people of network operations see the continuity packs."))
    context = {
        "page": paginate(selectors.packs(), request.GET.get("cursor")),
        "readiness": selectors.readiness(timezone.now()),
        "reserve": selectors.reserve_of(request.user),
        "may_run": request.user.may(RUN_OPERATIONS),
    }
    return render(request, "continuity/list.html", context)


@require_POST
def pack_make(request: PersonRequest) -> HttpResponse:
    """Make one now."""
    try:
        pack = services.make_pack(actor=request.user, now=timezone.now())
    except errors.NotAllowed as error:
        raise PermissionDenied(_("Only people of network operations make continuity packs.")) from error
    except errors.NotConfigured:
        messages.error(
            request,
            _("No key of operations is set (CONTINUITY_RECIPIENTS). A pack is never written without."),
        )
    except errors.FolderUnusable as error:
        text = _("The folder of the packs cannot be written to (%(reason)s). Check CONTINUITY_DIR.")
        messages.error(request, text % {"reason": error.reason})
    else:
        messages.success(request, _("The pack %(name)s was made.") % {"name": pack.file_name})
    return redirect("continuity_list")


@require_safe
@never_cache
def pack_download(request: PersonRequest, pk: int) -> HttpResponse:
    """The encrypted file as it lies in the folder; only operations' private key opens it."""
    if not request.user.may(RUN_OPERATIONS):
        raise PermissionDenied(_("Only people of network operations fetch continuity packs."))
    pack = ContinuityPack.objects.filter(pk=pk, removed_at=None).first()
    data = services.read_file(pack) if pack else None
    if pack is None or data is None:
        raise Http404
    trail.record(
        action="continuity.download",
        now=timezone.now(),
        actor=request.user,
        object_type="continuity_pack",
        object_id=pack.pk,
        object_label=pack.file_name,
    )
    response = HttpResponse(data, content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="{pack.file_name}"'
    return response
