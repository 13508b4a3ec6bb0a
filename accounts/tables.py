"""The columns of the register of accounts."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.models import DirectoryAccount
from portal.common import tables
from portal.common.tables import Column, Table, link
from portal.common.templatetags.portal import short_date, short_moment, status_chip
from portal.common.time import JST

_NAME = ("family_name", "given_name", "family_kana", "given_kana")


def _name(account: DirectoryAccount) -> str:
    return f"{account.family_name} {account.given_name}"


def _kana(account: DirectoryAccount) -> str:
    return f"{account.family_kana} {account.given_kana}".strip()


def _link(account: DirectoryAccount) -> Any:
    return link("account_detail", account.object_guid, account.login_name)


def _who(account: DirectoryAccount) -> Any:
    return format_html('<b>{}</b><span class="u-sub">{}</span>', _name(account), _kana(account))


def _moment(value: dt.datetime) -> str:
    return f"{value.astimezone(JST):%Y-%m-%d %H:%M}"


ACCOUNTS: Table[DirectoryAccount] = tables.register(
    Table(
        name="accounts",
        url_name="account_list",
        columns=(
            Column(
                name="login_name",
                label=_("Login name"),
                text=lambda a: a.login_name,
                cell=_link,
                reads=("login_name", "object_guid"),
            ),
            Column(name="name", label=_("Name"), text=_name, cell=_who, css="who", reads=_NAME),
            Column(name="kana", label=_("Name (kana)"), text=_kana, default=False, reads=_NAME),
            Column(
                name="organisation",
                label=_("Organisation"),
                text=lambda a: a.organisation.name,
                cell=lambda a: a.organisation.short_name,
                reads=("organisation__name", "organisation__short_name"),
            ),
            Column(
                name="department", label=_("Department"), text=lambda a: a.department, reads=("department",)
            ),
            Column(
                name="staff_number",
                label=_("Staff number"),
                text=lambda a: a.staff_number,
                reads=("staff_number",),
                default=False,
                css="u-mono",
            ),
            Column(
                name="account_type",
                label=_("Type of account"),
                text=lambda a: a.get_account_type_display(),
                reads=("account_type",),
                default=False,
            ),
            Column(
                name="state",
                label=_("State"),
                text=lambda a: a.get_state_display(),
                cell=lambda a: status_chip(a.state, a.get_state_display()),
                reads=("state",),
                css="st",
            ),
            *(
                Column(
                    name=name,
                    label=label,
                    text=lambda a, name=name: getattr(a, name) or "",  # type: ignore[misc]
                    cell=lambda a, name=name: short_date(getattr(a, name)),  # type: ignore[misc]
                    reads=(name,),
                    default=False,
                    css="u-num u-nowrap",
                )
                for name, label in (
                    ("expires_on", _("Last day of use")),
                    ("remove_on", _("To be removed on")),
                )
            ),
            Column(
                name="application",
                label=_("Last application"),
                text=lambda a: a.last_line.application.number,
                default=False,
                reads=("last_line__application__number",),
                css="u-num u-nowrap",
            ),
            Column(
                name="created_at",
                label=_("Registered"),
                text=lambda a: _moment(a.created_at),
                cell=lambda a: short_date(a.created_at),
                reads=("created_at",),
                default=False,
                css="u-num u-nowrap",
            ),
            Column(
                name="verified_at",
                label=_("Verified in AD"),
                text=lambda a: _moment(a.verified_at),
                cell=lambda a: short_moment(a.verified_at),
                reads=("verified_at",),
                css="u-num u-nowrap",
            ),
        ),
    )
)
