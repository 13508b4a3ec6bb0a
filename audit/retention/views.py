"""Keeping times, holds and disposals on one page (AUD-09)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.retention import selectors, services
from audit.retention.errors import NotAllowed, Refused
from audit.retention.forms import DecideForm, HoldForm, ProposeForm, RuleForm
from audit.retention.models import LEAST_YEARS, Disposal, Hold, RecordKind
from portal.common.forms import PortalForm
from portal.common.pagination import paginate
from portal.common.time import today
from portal.orgs.permissions import DECIDE_DISPOSALS, HOLD_RECORDS, PROPOSE_DISPOSALS, READ_RETENTION
from portal.trail import services as trail
from portal.workflow.views import PersonView


class RetentionView(PersonView):
    """The page: what is kept for how long, what may go, what is held, what went."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """For those who may read it; everybody else gets 403."""
        if request.user.is_authenticated and not self.user.may(READ_RETENTION):
            raise PermissionDenied(_("Your role does not allow you to see keeping times."))
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        """With the forms of what the person may do."""
        trail.record(action="retention.view", now=timezone.now(), actor=self.user)
        return self.page()

    def page(self, failed: PortalForm | None = None, status: int = 200) -> HttpResponse:
        """The page; a form that was refused stands in its place with what was entered."""
        rules = selectors.rules()
        context = {
            "rules": [(kind, rules[kind], LEAST_YEARS[kind]) for kind in RecordKind],
            "due": selectors.due(today(timezone.now())),
            "holds": selectors.holds()[:100],
            "disposals": paginate(selectors.disposals(), self.request.GET.get("cursor"), 50),
            "hold_form": failed if isinstance(failed, HoldForm) else HoldForm(),
            "rule_form": failed if isinstance(failed, RuleForm) else RuleForm(),
            "propose_form": failed if isinstance(failed, ProposeForm) else None,
            "decided": self.kwargs.get("pk"),
            "decide_form": failed if isinstance(failed, DecideForm) else DecideForm(),
            "problems": failed.error_summary if failed else [],
            "may_propose": self.user.may(PROPOSE_DISPOSALS),
            "may_decide": self.user.may(DECIDE_DISPOSALS),
            "may_hold": self.user.may(HOLD_RECORDS),
        }
        return render(self.request, "audit/retention/page.html", context, status=status)

    def carry_out(self, form: PortalForm, act: Callable[[], object], done: str) -> HttpResponse:
        """One service call; its refusal stands at the form."""
        if not form.is_valid():
            return self.page(form, status=422)
        try:
            act()
        except NotAllowed as error:
            raise PermissionDenied(error.reason) from error
        except Refused as error:
            form.add_error(None, error.reason)
            return self.page(form, status=422)
        messages.success(self.request, done)
        return redirect("audit_retention")


class ActView(RetentionView):
    """What only changes something."""

    http_method_names = ["post", "options"]  # noqa: RUF012


class ProposeView(ActView):
    """Ask for a disposal."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """A second person decides."""
        form = ProposeForm(request.POST)
        return self.carry_out(
            form,
            lambda: services.propose(**form.values(), actor=self.user, now=timezone.now()),
            _("Proposed. 国保中央会 decides."),
        )


class DecideView(ActView):
    """Dispose or refuse."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The button says which."""
        disposal = Disposal.objects.filter(pk=pk).first()
        if disposal is None:
            raise Http404
        form = DecideForm(request.POST)
        approve = request.POST.get("decision") == "approve"
        return self.carry_out(
            form,
            lambda: services.decide(
                disposal=disposal,
                approve=approve,
                answer=form.cleaned_data["answer"],
                actor=self.user,
                now=timezone.now(),
            ),
            _("Disposed of. The record stays.") if approve else _("Refused."),
        )


class HoldView(ActView):
    """Keep something until further notice."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Nothing of it goes from now on."""
        form = HoldForm(request.POST)
        return self.carry_out(
            form,
            lambda: services.place_hold(**form.values(), actor=self.user, now=timezone.now()),
            _("Held."),
        )


class ReleaseView(ActView):
    """End a hold."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Its keeping time counts again."""
        hold = Hold.objects.filter(pk=pk).first()
        if hold is None:
            raise Http404
        return self.carry_out(
            PortalForm(request.POST),
            lambda: services.release_hold(hold=hold, actor=self.user, now=timezone.now()),
            _("Released."),
        )


class RuleView(ActView):
    """Change a keeping time."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Never below table 2-51."""
        form = RuleForm(request.POST)
        return self.carry_out(
            form,
            lambda: services.change_rule(
                kind=RecordKind(form.cleaned_data["kind"]),
                years=form.cleaned_data["years"],
                actor=self.user,
                now=timezone.now(),
            ),
            _("Changed."),
        )
