"""What the frame of every page shows: the menu with counts, the person, the session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from portal.orgs.models import User
from portal.orgs.permissions import (
    APPLY,
    CONFIRM_AUDIT_REPORTS,
    DECIDE,
    MANAGE_ALL_MEMBERS,
    MANAGE_OWN_MEMBERS,
    MANAGE_ROUTES,
    READ_ACCOUNTS,
    READ_APPLICATIONS,
    READ_AUDIT,
    READ_AUDIT_CYCLES,
    READ_DEVICES,
    READ_DNS,
    READ_ENQUIRIES,
    READ_LEDGERS,
    READ_LOGS,
    READ_MANAGED,
    READ_NETWORKS,
    READ_OPERATIONS,
    READ_OWN_CHANGES,
    READ_PASSWORD_SETTINGS,
    READ_RETENTION,
    READ_TRAIL,
    RECEIVE_PASSWORDS,
    REGISTER_DEVICES,
    Permission,
    Role,
)
from portal.two_factor import factory
from portal.workflow.counts import WorkCounts, work_counts


@dataclass(frozen=True)
class Entry:
    """One line of the menu. Without permissions everybody sees it; `count` names a field of WorkCounts.

    `in_use` says whether this installation has what it leads to.
    """

    label: Any
    icon: str
    url_name: str
    permissions: tuple[Permission, ...] = ()
    count: str = ""
    in_use: Callable[[], bool] | None = None


MENU: tuple[tuple[Any, tuple[Entry, ...]], ...] = (
    (
        _("Applications"),
        (
            Entry(_("Home"), "home", "home"),
            Entry(_("To be decided"), "inbox", "inbox", (DECIDE,), "inbox"),
            Entry(_("All applications"), "list", "application_list"),
            Entry(_("Services and new applications"), "plus", "application_new"),
            Entry(_("Calendar of changes"), "clock", "calendar", (READ_APPLICATIONS,)),
            Entry(_("Drafts"), "pen", "draft_list", (APPLY,), "drafts"),
            Entry(_("Enquiries"), "help", "enquiry_list", (READ_ENQUIRIES,)),
            Entry(_("FAQ"), "book", "faq_list"),
            Entry(pgettext_lazy("menu", "PCs come and go"), "computer", "bundle_list"),
            Entry(_("Planned outages"), "clock", "outage_list"),
        ),
    ),
    (
        pgettext_lazy("menu", "Accounts"),
        (
            Entry(_("Accounts"), "account", "account_list", (READ_ACCOUNTS,)),
            Entry(_("Initial passwords to pick up"), "key", "pickup_list", (RECEIVE_PASSWORDS,)),
            Entry(_("Account unlocks"), "key", "unlock_list", (READ_ACCOUNTS,)),
            Entry(_("Longer password lifetimes"), "key", "password_lifetime_list", (READ_PASSWORD_SETTINGS,)),
            Entry(_("Dormant accounts"), "clock", "dormant_list", (READ_ACCOUNTS,)),
            Entry(_("Findings in AD"), "eye", "finding_list", (READ_ACCOUNTS,)),
            Entry(
                _("Initial password recipients"),
                "mail",
                "recipient_list",
                (MANAGE_OWN_MEMBERS, MANAGE_ALL_MEMBERS),
            ),
        ),
    ),
    (
        pgettext_lazy("menu", "Machines and devices"),
        (
            Entry(_("PCs, servers and printers"), "computer", "computer_list", (READ_DEVICES,)),
            Entry(_("Computer objects"), "computer", "computer_object_list", (READ_DEVICES,)),
            Entry(_("Devices"), "device", "device_list", (READ_DEVICES,)),
            Entry(_("Inventory of devices"), "eye", "inventory_list", (READ_DEVICES,)),
            Entry(_("Device alerts"), "warning", "alert_list", (READ_DEVICES,)),
            Entry(
                _("Registration in SKYSEA"), "pen", "registration_list", (REGISTER_DEVICES, READ_OPERATIONS)
            ),
            Entry(_("Exchange with SKYSEA"), "swap", "skysea_home", (REGISTER_DEVICES, READ_OPERATIONS)),
            Entry(_("Differences from SKYSEA"), "eye", "skysea_findings", (READ_DEVICES,)),
            Entry(_("Consoles 管理機(SC)"), "computer", "station_list", (READ_DEVICES,)),
            Entry(_("Machines under antivirus"), "shield", "antivirus_list", (READ_MANAGED,)),
            Entry(_("Monitored machines"), "eye", "monitored_list", (READ_MANAGED,)),
            Entry(_("Kinds and systems"), "list", "choice_list", (READ_DEVICES,)),
        ),
    ),
    (
        pgettext_lazy("menu", "Network"),
        (
            Entry(_("MAC whitelist"), "shield", "whitelist_list", (READ_DEVICES,)),
            Entry(_("PC quarantine"), "eye", "quarantine_list", (READ_DEVICES,)),
            Entry(_("DNS records"), "route", "dns_record_list", (READ_DNS,)),
            Entry(_("DNS zones"), "list", "dns_zone_list", (READ_DNS,)),
            Entry(_("Segments"), "route", "segment_list", (READ_DEVICES,)),
            Entry(_("Segments of 独自処理システム"), "route", "network_map", (READ_NETWORKS,)),
            Entry(_("Own changes of L2SW and policy"), "pen", "own_change_list", (READ_OWN_CHANGES,)),
        ),
    ),
    (
        pgettext_lazy("menu", "Audit reports"),
        (
            Entry(_("Audit overview"), "shield", "audit_dashboard", (READ_AUDIT, CONFIRM_AUDIT_REPORTS)),
            Entry(_("Audit calendar"), "clock", "audit_calendar", (READ_AUDIT_CYCLES,)),
            Entry(_("Coverage of the logs"), "eye", "log_coverage", (READ_LOGS,)),
            Entry(_("Logs"), "file", "log_imports", (READ_LOGS,)),
            Entry(_("Audit reports"), "book", "audit_report_list", (READ_AUDIT, CONFIRM_AUDIT_REPORTS)),
            Entry(_("Keeping times and disposal"), "clock", "audit_retention", (READ_RETENTION,)),
            Entry(_("作業報告台帳"), "book", "ledger_central_list", (READ_LEDGERS,)),
            Entry(_("台帳(連)"), "book", "ledger_federation_list", (READ_LEDGERS,)),
            Entry(_("Suspected misuse"), "warning", "incident_list", (READ_AUDIT, CONFIRM_AUDIT_REPORTS)),
        ),
    ),
    (
        pgettext_lazy("menu", "Organisation"),
        (
            Entry(_("Organisations and people"), "building", "organisation_list"),
            Entry(_("Deputies"), "swap", "deputy_list", (DECIDE,)),
        ),
    ),
    (
        pgettext_lazy("menu", "Operations"),
        (
            Entry(_("Fulfilment"), "cycle", "operation_list", (READ_OPERATIONS,), "attention"),
            Entry(_("To be unlocked"), "key", "unlock_waiting", (READ_OPERATIONS,)),
            Entry(
                _("Two-factor exchange"),
                "swap",
                "exchange_list",
                (READ_OPERATIONS,),
                in_use=factory.uses_exchange,
            ),
            Entry(_("Quarantine imports"), "file", "quarantine_imports", (READ_OPERATIONS,)),
            Entry(_("Guard and whitelist"), "shield", "guard_list", (READ_OPERATIONS,)),
            Entry(_("Continuity packs"), "shield", "continuity_list", (READ_OPERATIONS,)),
            Entry(_("Reconciliation"), "swap", "reconciliation_list", (READ_OPERATIONS,)),
            Entry(_("Password settings in AD"), "key", "password_settings_in_directory", (READ_OPERATIONS,)),
            Entry(_("Approval routes"), "route", "route_list", (MANAGE_ROUTES,)),
            Entry(_("Scheduled jobs"), "clock", "job_list", (READ_OPERATIONS,), "failing_jobs"),
            Entry(_("Audit trail"), "book", "trail_list", (READ_TRAIL,)),
            Entry(_("Verification of the evidence"), "shield", "evidence", (READ_TRAIL,)),
        ),
    ),
)
ENTRIES = tuple(entry for _label, entries in MENU for entry in entries)
PERSONAL = (
    Entry(_("Profile and security"), "account", "profile"),
    Entry(_("Change password"), "key", "password_change"),
)


# The same menu stands on every page of people with the same roles and counts.
@lru_cache(maxsize=256)
def _drawn(shown: tuple[tuple[str, int], ...], here: str, language: str | None) -> SafeString:
    """The menu with these entries and counts on the page `here`; the template reads the active language by itself."""
    counts = dict(shown)
    groups = [
        {
            "label": label,
            "entries": [
                {
                    "label": entry.label,
                    "icon": entry.icon,
                    "url": reverse(entry.url_name),
                    "is_current": entry.url_name == here,
                    "count": counts[entry.url_name],
                }
                for entry in entries
                if entry.url_name in counts
            ],
        }
        for label, entries in MENU
    ]
    return render_to_string(
        "components/nav.html", {"groups": [group for group in groups if group["entries"]]}
    )


def navigation(request: HttpRequest) -> dict[str, Any]:
    """`navigation` of the frame; nothing for a person who is not logged in, worked out only when a template asks."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {}
    return {"navigation": _Navigation(request, user)}


class _Navigation:
    """Evaluated by the template: an answer without the frame (htmx, CSV) costs no statement."""

    session_seconds = settings.SESSION_IDLE_SECONDS
    session_warning = settings.SESSION_WARNING_SECONDS

    def __init__(self, request: HttpRequest, user: User) -> None:
        self._request, self._user = request, user

    @cached_property
    def counts(self) -> WorkCounts:
        """The numbers of the menu and of the home page, counted once per page."""
        return work_counts(self._user, timezone.now())

    @cached_property
    def menu(self) -> SafeString:
        """The menu as HTML; made once although the page shows it twice (wide and small screens)."""
        match = self._request.resolver_match
        shown = tuple(
            (entry.url_name, getattr(self.counts, entry.count) if entry.count else 0)
            for entry in ENTRIES
            if self._shows(entry)
        )
        here = match.view_name if match is not None and match.view_name in dict(shown) else ""
        return _drawn(shown, here, get_language())

    def _shows(self, entry: Entry) -> bool:
        if entry.in_use is not None and not entry.in_use():
            return False
        allowed = any(self._user.may(permission) for permission in entry.permissions)
        return not entry.permissions or allowed or (entry.url_name == "inbox" and self.may_decide)

    @property
    def may_apply(self) -> bool:
        """Whether the page offers to write an application."""
        return self._user.may(APPLY)

    @property
    def may_decide(self) -> bool:
        """Whether the page has an inbox: an own role, or something to decide for a principal."""
        return self._user.may(DECIDE) or self.counts.inbox > 0

    @property
    def may_read_operations(self) -> bool:
        """Whether links to operations lead anywhere."""
        return self._user.may(READ_OPERATIONS)

    @property
    def personal(self) -> list[dict[str, Any]]:
        """The person's own menu."""
        return [
            {"label": entry.label, "icon": entry.icon, "url": reverse(entry.url_name)} for entry in PERSONAL
        ]

    @property
    def roles(self) -> str:
        """Today's roles in words, each once."""
        names = {m.role: str(Role(m.role).label) for m in self._user.current_memberships}
        return "・".join(names.values())

    @property
    def previous_login(self) -> dt.datetime | None:
        """When this person logged in before this session (put into the session at login)."""
        return parse_datetime(self._request.session.get("previous_login_at", ""))

    @property
    def previous_login_ip(self) -> str:
        """From where that was."""
        return str(self._request.session.get("previous_login_ip", ""))
