"""The columns of the register of accounts."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.models import DirectoryAccount
from portal.common import columns, tables
from portal.common.tables import Column, Table, link
from portal.common.templatetags.portal import short_date, short_moment

_NAME = ("family_name", "given_name", "family_kana", "given_kana")


def _name(account: DirectoryAccount) -> str:
    return f"{account.family_name} {account.given_name}"


def _kana(account: DirectoryAccount) -> str:
    return f"{account.family_kana} {account.given_kana}".strip()


def _link(account: DirectoryAccount) -> Any:
    return link("account_detail", account.object_guid, account.login_name)


def _who(account: DirectoryAccount) -> Any:
    return format_html('<b>{}</b><span class="u-sub">{}</span>', _name(account), _kana(account))


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
            columns.organisation(),
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
            columns.state(),
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
            columns.moment("created_at", _("Registered"), default=False),
            columns.moment("verified_at", _("Verified in AD"), short=short_moment),
        ),
    )
)
