"""The catalogue on the screen: the start of every new application, and for everybody what the network offers."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.orgs.permissions import APPLY
from portal.workflow import selectors
from portal.workflow.catalogue import offers
from portal.workflow.catalogue.reading import precondition
from portal.workflow.views import PersonView


class CatalogueView(PersonView):
    """Every service of table 2-1; each kind that the person may apply for has its button."""

    printed = False

    def get(self, request: HttpRequest) -> HttpResponse:
        """Drafts that wait are shown first, so that nobody writes the same twice."""
        q = request.GET.get("q", "").replace("\x00", "").strip()[:200]
        found = offers.entries(self.user, q)
        context = {
            "q": q,
            "entries": found,
            "precondition": precondition(),
            "printed": self.printed,
            "drafts": selectors.drafts(self.user)[:5] if self.user.may(APPLY) and not self.printed else [],
            "many": any(len(offer.places) > 1 for entry in found for offer in entry.kinds),
        }
        return render(request, "workflow/catalogue.html", context)
