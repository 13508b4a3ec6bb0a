"""The pages people start from: their work today, the inbox, the drafts, and the list with its filters in the URL."""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.common import export
from portal.common.pagination import COUNT_LIMIT, limited_count, paginate
from portal.common.templatetags.portal import wareki
from portal.common.time import parse_date
from portal.notices.models import Notice
from portal.orgs import columns
from portal.orgs.models import Organisation
from portal.orgs.permissions import READ_APPLICATIONS
from portal.trail import services as trail
from portal.workflow import banners, kinds, selectors, waiting
from portal.workflow.forms import FilterForm, SaveFilterForm
from portal.workflow.models import SavedFilter, Status
from portal.workflow.tables import APPLICATIONS, DRAFTS, USUAL
from portal.workflow.views import PersonView

PAGE_SIZE = 50
INBOX_SIZE = 100
PERIOD = ("since", "until")
SAVED_FILTERS_PER_PERSON = 10
SAVED_FILTER_LENGTH = 500

# The tabs that everybody has, as (label, query).
TABS: tuple[tuple[Any, str], ...] = (
    (gettext_lazy("All"), ""),
    (gettext_lazy("In review"), "status=IN_REVIEW"),
    (gettext_lazy("Returned"), "status=RETURNED"),
    (gettext_lazy("Needs attention"), "status=NEEDS_ATTENTION"),
    (gettext_lazy("My applications"), "mine=1"),
)


class HomeView(PersonView):
    """My work today: what waits for me, what came back, what is new."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Counts first, then the most urgent, then the newest."""
        now = timezone.now()
        own = selectors.applications(self.user, selectors.Filters(mine=True))
        context = {
            "table": USUAL,
            "inbox": list(USUAL.rows(selectors.inbox(self.user, now).order_by("due_on", "id")[:5])),
            "recent": list(USUAL.rows(own.order_by("-id")[:5])),
            "notices": Notice.objects.visible_to(self.user).filter(to_user=self.user).order_by("-id")[:5],
            "waiting": waiting.of(self.user, now),
            "banners": banners.of(self.user, now),
            "today": timezone.localdate(),
        }
        return render(request, "workflow/home.html", context)


class InboxView(PersonView):
    """What this person can decide now, the earliest deadline first."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """At most the first hundred; the list grows shorter with every decision. Reading it is recorded (SEC-02)."""
        trail.record(
            action="application.list", now=timezone.now(), actor=self.user, detail={"filters": "inbox"}
        )
        found = selectors.inbox(self.user, timezone.now())
        context = {
            "table": USUAL,
            "rows": list(USUAL.rows(found.order_by("due_on", "id")[:INBOX_SIZE])),
            "count": limited_count(found),
        }
        return render(request, "workflow/inbox.html", context)


class DraftsView(PersonView):
    """What this person began and did not submit yet."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Newest first."""
        page = paginate(selectors.drafts(self.user), request.GET.get("cursor"), PAGE_SIZE)
        context = {"page": page, "table": DRAFTS, "rows": DRAFTS.rows(page.rows)}
        return render(request, "workflow/drafts.html", context)


class ListView(PersonView):
    """Every application that this person may see. The URL holds the whole state of the page."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """One page, with the tags that take a filter off again. Its names are personal data: reading is recorded (SEC-02)."""
        filters = selectors.Filters.from_query(request.GET)
        found = selectors.applications(self.user, filters)
        count = limited_count(found)
        query = filters.to_query()
        trail.record(
            action="application.list", now=timezone.now(), actor=self.user, detail={"filters": query}
        )
        table = columns.shown_to(self.user, APPLICATIONS)
        page = paginate(table.prepared(found), request.GET.get("cursor"), PAGE_SIZE)
        context = {
            "page": page,
            "table": table,
            "rows": table.rows(page.rows),
            "count": min(count, COUNT_LIMIT),
            "more": count > COUNT_LIMIT,
            "form": self.form(filters),
            "misread": _misread(request, filters),
            "tabs": self.tabs(query),
            "tags": _tags(query),
            "query": query,
            "save_form": SaveFilterForm(initial={"query": query}),
        }
        return render(request, "workflow/list.html", context)

    def form(self, filters: selectors.Filters) -> FilterForm:
        """The filter bar with what is in force; a date that could not be read stays as it was typed."""
        days = {name: parse_date(value) for name in PERIOD if (value := getattr(filters, name))}
        typed = {name: self.request.GET.get(name, "")[:20] for name in PERIOD}
        values = dataclasses.asdict(filters) | typed | days
        return FilterForm(initial=values, organisations=_organisations(self))

    def tabs(self, query: str) -> list[dict[str, Any]]:
        """Everybody's tabs and the person's own."""
        own = [(saved.name, saved.query, saved.pk) for saved in SavedFilter.objects.filter(user=self.user)]
        return [
            {"label": label, "query": part, "pk": pk, "is_current": part == query}
            for label, part, pk in [*((label, part, None) for label, part in TABS), *own]
        ]


def _organisations(view: PersonView) -> list[Organisation]:
    """The organisations that the filter offers: those the person sees."""
    if view.user.scope.everything:
        return list(Organisation.objects.all())
    return view.user.organisations_where(READ_APPLICATIONS)


def _misread(request: HttpRequest, filters: selectors.Filters) -> list[str]:
    """What was typed as a day of the period and is none: the list is not narrowed by it, and says so."""
    return [request.GET[name][:20] for name in PERIOD if request.GET.get(name) and not getattr(filters, name)]


def _tags(query: str) -> list[dict[str, str]]:
    """One tag for each filter in force; following it takes the filter off."""
    parts = parse_qsl(query)
    return [
        {
            "label": _tag_label(name, value),
            "query": urlencode([part for part in parts if part != (name, value)]),
        }
        for name, value in parts
    ]


def _tag_label(name: str, value: str) -> str:
    if name == "kind":
        return _("Kind: %(value)s") % {
            "value": next((k.label for k in kinds.all_kinds() if k.code == value), value)
        }
    if name == "status":
        return _("Status: %(value)s") % {"value": Status(value).label if value in Status.values else value}
    if name == "organisation":
        organisation = Organisation.objects.filter(code=value).first()
        return _("Organisation: %(value)s") % {"value": organisation.short_name if organisation else value}
    if name == "due":
        return _("Due date: %(value)s") % {
            "value": _("overdue") if value == "overdue" else _("within 7 days")
        }
    if name in PERIOD:
        words = _("Submitted from: %(value)s") if name == "since" else _("Submitted until: %(value)s")
        return words % {"value": wareki(parse_date(value))}
    if name == "mine":
        return _("My applications")
    return _("Keyword: %(value)s") % {"value": value}


class ExportView(PersonView):
    """The list as CSV or Excel, in the person's columns; who took what is recorded (SEC-02)."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The same filters as the list, newest first."""
        filters = selectors.Filters.from_query(request.GET)
        kind = export.file_format(request.GET.get("format", ""))
        found = selectors.applications(self.user, filters).order_by("-id")
        if (refusal := export.too_many(kind, found)) is not None:
            messages.error(request, refusal)
            return redirect(f"{reverse('application_list')}?{filters.to_query()}")
        trail.record(
            action="application.export",
            now=timezone.now(),
            actor=self.user,
            object_type="application",
            detail={"filters": filters.to_query(), "format": kind},
        )
        name = _("applications") + f"_{wareki(timezone.localdate()).partition('（')[0]}"
        return export.table_response(kind, name, columns.shown_to(self.user, APPLICATIONS), found)


class PrintView(PersonView):
    """The list on paper: every row that the filters leave, up to what anybody prints."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Printing is taking along: it is recorded like a file (SEC-02)."""
        filters = selectors.Filters.from_query(request.GET)
        query = filters.to_query()
        trail.record(
            action="application.print", now=timezone.now(), actor=self.user, detail={"filters": query}
        )
        found = selectors.applications(self.user, filters).order_by("-id")
        context = export.print_context(found, columns.shown_to(self.user, APPLICATIONS))
        context |= {
            "heading": _("All applications"),
            "list_url": f"{reverse('application_list')}{'?' if query else ''}{query}",
            "filters": _(", ").join(tag["label"] for tag in _tags(query)),
        }
        return render(request, "components/list_print.html", context)


class FilterSaveView(PersonView):
    """Keep the filter that the list shows as a tab of one's own."""

    http_method_names = ["post", "options"]  # noqa: RUF012

    def post(self, request: HttpRequest) -> HttpResponse:
        """The same name again replaces the tab."""
        form = SaveFilterForm(request.POST)
        query = selectors.Filters.from_query(dict(parse_qsl(request.POST.get("query", "")[:5000]))).to_query()
        address = f"{reverse('application_list')}?{query}"
        if not form.is_valid():
            messages.error(request, _("Give the tab a name of at most 40 characters."))
            return redirect(address)
        if len(query) > SAVED_FILTER_LENGTH:
            messages.error(request, _("This filter is too long to be kept as a tab. Shorten the keyword."))
            return redirect(address)
        own = SavedFilter.objects.filter(user=self.user)
        name = form.cleaned_data["name"]
        if own.count() >= SAVED_FILTERS_PER_PERSON and not own.filter(name=name).exists():
            messages.error(request, _("You have 10 tabs already. Remove one first."))
            return redirect(address)
        SavedFilter.objects.update_or_create(user=self.user, name=name, defaults={"query": query})
        messages.success(request, _("The tab “%(name)s” was saved.") % {"name": name})
        return redirect(address)


class FilterRemoveView(PersonView):
    """Take a tab of one's own away; somebody else's is none."""

    http_method_names = ["post", "options"]  # noqa: RUF012

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Back to the list."""
        SavedFilter.objects.filter(user=self.user, pk=pk).delete()
        return redirect("application_list")
