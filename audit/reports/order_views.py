"""Report files that are ordered and not made yet: for operations, with why, and a way not to wait (AUD-07)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.reports.documents import making
from portal.common.pagination import paginate
from portal.orgs.permissions import READ_OPERATIONS, RUN_OPERATIONS
from portal.trail import services as trail
from portal.workflow.views import PersonView

_PAGE_SIZE = 50


class OrdersView(PersonView):
    """Every order without its files, the oldest first."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """For those who read operations; everybody else gets 403."""
        if request.user.is_authenticated and not self.user.may(READ_OPERATIONS):
            raise PermissionDenied(_("Your role does not allow you to see operations."))
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        """What waits, why, and since when."""
        orders = making.owed_orders()
        context = {
            "page": paginate(orders, request.GET.get("cursor"), _PAGE_SIZE, order=("pk",)),
            "count": orders.count(),
            "stuck": making.stuck_orders(timezone.now()).count(),
            "failed": orders.exclude(problem="").count(),
            "may_run": self.user.may(RUN_OPERATIONS),
        }
        return render(request, "audit/reports/orders.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Do not wait for the next minute."""
        if not self.user.may(RUN_OPERATIONS):
            raise PermissionDenied(_("Only operators start it."))
        now = timezone.now()
        freed = making.try_again(now=now)
        trail.record(action="audit_report.files_again", now=now, actor=self.user, detail={"orders": freed})
        messages.success(request, _("Trying again. Look again in a minute."))
        return redirect("audit_report_orders")
