"""The columns of the register of password settings, and of the list of accounts that a ticket touches."""

from __future__ import annotations

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.common import tables
from portal.common.tables import Column, Table
from portal.common.templatetags.portal import short_date, status_chip
from portal.common.time import plain_moment
from requests.password_settings.effects import Effect
from requests.password_settings.models import PasswordLifetime


def state_text(row: PasswordLifetime) -> str:
    """The state as it truly is: over, and still there, is a state of its own."""
    return str(_("over, being taken back")) if row.is_overdue else row.get_state_display()


def state_chip(row: PasswordLifetime) -> SafeString:
    """The same with its colour."""
    status = "NEEDS_ATTENTION" if row.is_overdue else "DONE" if row.is_in_force else "CLOSED"
    return status_chip(status, state_text(row))


LIFETIMES: Table[PasswordLifetime] = tables.register(
    Table(
        name="password_lifetimes",
        url_name="password_lifetime_list",
        columns=(
            Column(
                name="name",
                label=_("Name of the settings"),
                text=lambda r: r.name,
                cell=lambda r: format_html(
                    '<a href="{}">{}</a>', reverse("password_lifetime", args=[r.pk]), r.name
                ),
                css="u-mono",
            ),
            Column(name="state", label=_("State"), text=state_text, cell=state_chip, css="st"),
            Column(name="whom", label=pgettext_lazy("password settings", "For whom"), text=lambda r: r.whom),
            Column(
                name="lifetime",
                label=_("Password lifetime (days)"),
                text=lambda r: f"{r.lifetime_before} → {r.lifetime_days}",
                css="u-num u-nowrap",
            ),
            Column(
                name="until",
                label=_("Last day"),
                text=lambda r: r.until.isoformat(),
                cell=lambda r: short_date(r.until),
                css="u-num u-nowrap",
            ),
            Column(
                name="affected", label=_("Accounts affected"), text=lambda r: str(r.affected), css="u-num"
            ),
            Column(
                name="organisation",
                label=_("Organisation"),
                text=lambda r: r.organisation.name,
                cell=lambda r: r.organisation.short_name,
            ),
            Column(
                name="started_at",
                label=_("In force since"),
                text=lambda r: plain_moment(r.started_at),
                cell=lambda r: short_date(r.started_at),
                default=False,
                css="u-num u-nowrap",
            ),
            Column(
                name="ended_at",
                label=pgettext_lazy("password settings", "Taken back"),
                text=lambda r: plain_moment(r.ended_at),
                cell=lambda r: short_date(r.ended_at) if r.ended_at else "",
                css="u-num u-nowrap",
            ),
        ),
    )
)


def people_header() -> list[str]:
    """The columns of the list of accounts."""
    return [
        str(label)
        for label in (
            _("Login name"),
            _("Display name"),
            _("Lifetime now (days)"),
            _("Lifetime afterwards (days)"),
            _("Expires now"),
            _("Expires afterwards"),
            _("Settings that apply afterwards"),
            _("Remark"),
        )
    ]


def people_row(effect: Effect) -> list[str]:
    """One account, in the order of the header."""
    before, after = effect.before, effect.after
    return [
        before.login_name,
        before.display_name,
        str(effect.days_before or "–"),
        str(effect.days_after or "–"),
        plain_moment(before.password_expires_at) or "–",
        plain_moment(after.password_expires_at) or "–",
        effect.wins or str(_("policy of the domain")),
        effect.remark(),
    ]
