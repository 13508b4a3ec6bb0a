"""The list of what the portal mailed to a person, and for operations what could not be mailed."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from portal.common.pagination import limited_count, paginate
from portal.notices import errors, selectors, services
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import READ_OPERATIONS, RUN_OPERATIONS

PAGE_SIZE = 50


@require_safe
@never_cache
def notice_list(request: HttpRequest) -> HttpResponse:
    """Own notices; with ?tab=undelivered, for operations, the mails that were refused or wait for long."""
    user = _person(request)
    sees_all = user.may(READ_OPERATIONS)
    undelivered = sees_all and request.GET.get("tab") == "undelivered"
    rows = selectors.undelivered(user) if undelivered else selectors.own(user)
    context = {
        "page": paginate(rows, request.GET.get("cursor"), PAGE_SIZE),
        "sees_all": sees_all,
        "undelivered": undelivered,
        "undelivered_count": limited_count(selectors.undelivered(user)) if sees_all else 0,
        "unread": selectors.own(user).filter(read_at=None).exists(),
        "may_run": user.may(RUN_OPERATIONS),
    }
    return render(request, "notices/list.html", context)


@require_POST
def notice_read(request: HttpRequest) -> HttpResponse:
    """Everything in the own list counts as read."""
    services.mark_read(actor=_person(request), now=timezone.now())
    return redirect("notice_list")


@require_POST
def notice_send_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a refused mail again, after the address was put right."""
    user = _person(request)
    if not Notice.objects.visible_to(user).filter(pk=pk).exists():
        raise Http404
    try:
        services.send_again(notice_id=pk, actor=user, now=timezone.now())
    except errors.NotAllowed as error:
        raise PermissionDenied(_("Only people of network operations send mail again.")) from error
    except errors.MoveNotAllowed:
        messages.error(request, _("This mail cannot be sent again. A password is reset instead."))
    else:
        messages.success(request, _("The mail is sent again."))
    return redirect(f"{reverse('notice_list')}?tab=undelivered")


def _person(request: HttpRequest) -> User:
    """The person; portal.orgs.middleware has made sure that there is one."""
    assert isinstance(request.user, User)
    return request.user
