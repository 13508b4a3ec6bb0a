"""The page on which a recipient picks an initial password up, and the choice of the way for an organisation."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import recipients
from accounts.delivery import modes, pickup
from accounts.delivery.forms import DeliveryForm, PickupForm
from accounts.delivery.models import InitialPassword
from portal.common.pagination import paginate
from portal.orgs import people, selectors
from portal.orgs.http import PersonRequest
from portal.orgs.people_views import attempt, translated
from portal.workflow.views import PersonView

_CHOICES_SHOWN = 10


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@translated
def delivery_setting(request: PersonRequest, code: str) -> HttpResponse:
    """How initial passwords of one organisation are delivered, with who could pick them up."""
    organisation = selectors.organisation(request.user, code)
    people.require_manager(request.user, organisation.pk)
    form = DeliveryForm(request.POST or None, initial={"mode": modes.mode_of(organisation)})
    if form.is_bound and attempt(
        form,
        lambda: modes.choose(
            organisation_id=organisation.pk, actor=request.user, now=timezone.now(), **form.cleaned_data
        ),
    ):
        messages.success(request, _("Saved. It counts for applications that are completed from now on."))
        return redirect("delivery_setting", code=code)
    usable = [(recipient, modes.person_of(recipient)) for recipient in recipients.usable(organisation)]
    context = {
        "organisation": organisation,
        "form": form,
        "problems": form.error_summary if form.is_bound else (),
        "recipients": usable,
        "choices": organisation.delivery_choices.select_related("made_by")[:_CHOICES_SHOWN],
    }
    return render(request, "accounts/delivery.html", context, status=422 if form.is_bound else 200)


class PickupListView(PersonView):
    """The initial passwords that wait for this person."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Empty for whoever is no recipient."""
        page = paginate(pickup.open_pickups(self.user), request.GET.get("cursor"))
        return render(request, "accounts/pickup_list.html", {"page": page, "now": timezone.now()})


class PickupView(PersonView):
    """One of them. Looking changes nothing; the button draws the password and shows it in that one answer (ACC-10)."""

    def load(self, pk: int) -> InitialPassword:
        """Somebody else's is as unknown as none."""
        try:
            return pickup.open_pickups(self.user).get(pk=pk)
        except InitialPassword.DoesNotExist as error:
            raise Http404 from error

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The box for the code; never a password."""
        row = self.load(pk)
        return self.page(row, PickupForm(initial={"draw": row.draws}))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The password, once; or why not."""
        row = self.load(pk)
        form = PickupForm(request.POST)
        if not form.is_valid():
            return self.page(row, form, status=422)
        try:
            shown = pickup.take(password_id=row.pk, actor=self.user, now_fn=timezone.now, **_entered(form))
        except InitialPassword.DoesNotExist as error:
            raise Http404 from error
        except pickup.PickupRefused as error:
            return self.refuse(row, error)
        return render(request, "accounts/pickup_shown.html", {"row": row, "shown": shown})

    def refuse(self, row: InitialPassword, error: pickup.PickupRefused) -> HttpResponse:
        """The page anew with the reason, and with what it needs for one more draw."""
        fresh = (
            InitialPassword.objects.visible_to(self.user)
            .select_related("recipient", "organisation")
            .get(pk=row.pk)
        )
        form = PickupForm(initial={"draw": fresh.draws})
        return self.page(fresh, form, status=error.status, reason=error.reason)

    def page(
        self, row: InitialPassword, form: PickupForm, *, status: int = 200, reason: str = ""
    ) -> HttpResponse:
        """The form, with a reason when nothing was shown."""
        context = {
            "row": row,
            "form": form,
            "problems": form.error_summary if form.is_bound else (),
            "reason": reason,
        }
        return render(self.request, "accounts/pickup.html", context, status=status)


def _entered(form: PickupForm) -> dict[str, Any]:
    return {"code": form.cleaned_data["code"], "draw": form.cleaned_data["draw"]}
