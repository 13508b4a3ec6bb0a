"""The screens about password settings: the register, one page each with its review, whom a ticket touches, what AD holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.common import export
from portal.gateways import directory_factory
from portal.gateways.directory import DirectoryError
from portal.gateways.directory_policies import PasswordSettings
from portal.orgs.permissions import READ_OPERATIONS, READ_PASSWORD_SETTINGS
from portal.trail import services as trail
from portal.workflow import registers
from portal.workflow import selectors as workflow
from portal.workflow.models import Application
from portal.workflow.registers import ExportMixin, ListMixin, PrintMixin
from portal.workflow.views import PersonView
from requests.password_settings import effects, selectors, services, tables
from requests.password_settings.known import setting
from requests.password_settings.lookups import check_value
from requests.password_settings.models import PasswordLifetime
from requests.password_settings.payloads import END, EXTEND, KINDS, START
from requests.password_settings.people import people_of
from requests.password_settings.screen_forms import LifetimeFilterForm

PEOPLE_ON_A_PAGE = 100


class SettingsView(PersonView):
    """A view for those who may read about password settings."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Somebody without the permission gets 403, whatever the object."""
        if request.user.is_authenticated and not self.user.may(READ_PASSWORD_SETTINGS):
            raise PermissionDenied(_("Your role does not allow you to see password settings."))
        return super().dispatch(request, *args, **kwargs)


class LifetimeRegisterView(SettingsView, registers.RegisterView):
    """What the three views of the register list."""

    table = tables.LIFETIMES
    names = ("q", "state", "organisation", "due")
    action = "password_lifetime"
    template = "requests/pso_list.html"
    heading = gettext_lazy("Longer password lifetimes")
    apply_kind = START

    def found(self, filters: dict[str, str]) -> Any:
        """The settings that the filters leave."""
        return selectors.lifetimes(self.user, **filters)

    def form(self, *args: Any, **kwargs: Any) -> LifetimeFilterForm:
        """The search."""
        return LifetimeFilterForm(*args, organisations=selectors.organisations(self.user), **kwargs)


class ListView(ListMixin, LifetimeRegisterView):
    """All that this person may see."""


class ExportView(ExportMixin, LifetimeRegisterView):
    """As a file."""


class PrintView(PrintMixin, LifetimeRegisterView):
    """On paper."""


class DetailView(SettingsView):
    """One object: what it is, what happened, what comes at its end, and the review of it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Another federation's is as unknown as none (ORG-02)."""
        row = self.load(pk)
        trail.record(
            action="password_lifetime.view",
            now=timezone.now(),
            actor=self.user,
            object_type="password_lifetime",
            object_id=row.pk,
            object_label=row.name,
            object_organisation_id=row.organisation_id,
        )
        due = row.is_to_be_reviewed(setting("review_days"))
        applications = list(selectors.applications_of(self.user, row)[:20])
        context = {
            "lifetime": row,
            "state": tables.state_chip(row),
            "history": selectors.history_of(self.user, row),
            "applications": applications,
            "is_due": due,
            "may_review": due and services.may_review(self.user, row),
            "may_apply": selectors.may_apply(self.user, row),
            "extend": EXTEND,
            "end": END,
            "prefill": f"organisation={row.organisation.code}&name={row.name}",
            **(_at_the_end(row) if due else {}),
        }
        return render(request, "requests/pso_detail.html", context)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The review says that it may end."""
        row = self.load(pk)
        try:
            services.let_end(lifetime_id=row.pk, actor=self.user, now=timezone.now())
        except services.NotAllowed as error:
            raise PermissionDenied(str(error)) from error
        except services.MoveNotAllowed:
            messages.error(request, _("There is nothing to review here any more."))
        else:
            messages.success(request, _("It ends on its last day. Nothing more is to be done."))
        return redirect("password_lifetime", row.pk)

    def load(self, pk: int) -> PasswordLifetime:
        """One that the person sees."""
        try:
            return selectors.lifetime(self.user, pk)
        except PasswordLifetime.DoesNotExist as error:
            raise Http404 from error


def _at_the_end(row: PasswordLifetime) -> dict[str, Any]:
    """Who is affected at the end, and whose password is expired then; a silent directory is said, not guessed."""
    try:
        found = services.ending_effects(directory_factory.get_directory(), row)
    except DirectoryError:
        return {"unread": True}
    return {"ending": found, "gone": effects.expired_at(found, effects.end_of(row.until))}


class PeopleView(SettingsView):
    """Every account that a ticket touches, before and after: on the screen, as CSV, as Excel."""

    def get(self, request: HttpRequest, number: str) -> HttpResponseBase:
        """As Active Directory says it now; an application of another federation does not exist (ORG-02)."""
        application = self.load(number)
        try:
            found = people_of(application)
        except DirectoryError:
            found, unread = None, True
        else:
            unread = False
        chosen = request.GET.get("format", "")
        verb = "export" if chosen else "list"
        trail.record(
            action=f"password_lifetime_people.{verb}",
            now=timezone.now(),
            actor=self.user,
            object_type="application",
            object_id=application.pk,
            object_label=application.number,
            object_organisation_id=application.organisation_id,
            detail={"format": chosen} if chosen else {},
        )
        if chosen and found is not None:
            name = _("Accounts of %(number)s") % {"number": application.number}
            rows = map(tables.people_row, found)
            return export.rows_response(export.file_format(chosen), name, tables.people_header(), rows)
        every = [each for each in found or [] if each.changes]
        page = Paginator(found or [], PEOPLE_ON_A_PAGE).get_page(request.GET.get("page"))
        context = {
            "application": application,
            "page": page,
            "rows": [tables.people_row(each) for each in page],
            "header": tables.people_header(),
            "known": found is not None,
            "unread": unread,
            "count": len(every),
            "others": len(found or []) - len(every),
            "value": check_value(each.before for each in every),
            "here": reverse("password_lifetime_people", args=[application.number]),
        }
        return render(request, "requests/pso_people.html", context)

    def load(self, number: str) -> Application:
        """An application about password settings that the person may read."""
        try:
            application = workflow.application(self.user, number)
        except Application.DoesNotExist as error:
            raise Http404 from error
        if application.kind not in KINDS:
            raise Http404
        return application


@dataclass(frozen=True, kw_only=True)
class Held:
    """One settings object in AD, with what the register knows of it."""

    settings: PasswordSettings
    row: PasswordLifetime | None
    is_tied: bool

    @property
    def is_unknown(self) -> bool:
        """The register does not have it in force: made by hand, or left behind by an operation that was closed."""
        return self.row is None or not self.row.is_in_force

    @property
    def days(self) -> int | None:
        age = self.settings.rules.maximum_age
        return age.days if age else None


class InDirectoryView(PersonView):
    """Every settings object of the domain, also those that the portal does not know, and what the register misses there."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """For operations: it names objects and people of all organisations."""
        if not self.user.may(READ_OPERATIONS):
            raise PermissionDenied(_("Only network operations see what the whole domain holds."))
        trail.record(action="password_settings.list", now=timezone.now(), actor=self.user)
        try:
            survey = directory_factory.get_directory().policy_survey()
        except DirectoryError as error:
            return render(request, "requests/pso_directory.html", {"error": error})
        rows = {
            row.object_guid: row
            for row in PasswordLifetime.objects.visible_to(self.user).select_related("organisation")
        }
        numbers = [each.precedence for each in survey.settings]
        there = {each.guid for each in survey.settings}
        context = {
            "domain": survey.domain,
            "held": [
                Held(settings=each, row=rows.get(each.guid), is_tied=numbers.count(each.precedence) > 1)
                for each in survey.settings
            ],
            "absent": [row for guid, row in rows.items() if row.is_in_force and guid not in there],
        }
        return render(request, "requests/pso_directory.html", context)
