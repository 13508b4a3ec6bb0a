"""The way back from a DNS ticket that was carried out (REQ-05)."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.workflow import kinds, selectors
from portal.workflow.models import Application
from portal.workflow.views import PersonView
from requests.dns import rollback
from requests.zones.owners import KIND


class RollbackView(PersonView):
    """What taking a ticket back will apply for, and the draft of it."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """The inverse lines, before anything is made of them."""
        application = self.load(number)
        kind = kinds.get(KIND)
        lines = [kind.load(line, kind.payload_version) for line in rollback.inverse_lines(application)]
        return render(request, "requests/dns_rollback.html", {"application": application, "lines": lines})

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        """A draft, to be looked at and submitted like every other."""
        application = self.load(number)
        draft = rollback.draft_rollback(application=application, actor=self.user, now=timezone.now())
        messages.success(
            request, _("The application that takes it back is prepared. Check it and submit it.")
        )
        return redirect("application_edit", draft.number)

    def load(self, number: str) -> Application:
        """A ticket that the person sees (ORG-02) and may take back."""
        try:
            application = selectors.application(self.user, number)
        except Application.DoesNotExist as error:
            raise Http404 from error
        if application.kind != KIND:
            raise Http404
        if not rollback.may_roll_back(self.user, application):
            raise PermissionDenied(
                _(
                    "There is nothing to roll back here, or you do not have the applicant role in this organisation."
                )
            )
        return application
