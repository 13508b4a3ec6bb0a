"""The columns of the register of unlocks."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.common import columns, tables
from portal.common.tables import Column, Table, link
from portal.common.templatetags.portal import icon, short_moment
from requests.unlock.models import AccountUnlock


def repeated_mark() -> SafeString:
    """Several unlocks in short time, as lists show it."""
    return format_html(
        ' <span class="c-chip" data-s="back">{}{}</span>', icon("warning"), _("several in short time")
    )


def _who(unlock: AccountUnlock) -> Any:
    mark = repeated_mark() if unlock.is_repeated else ""
    return format_html(
        '<b>{}</b>{}<span class="u-sub u-mono">{}</span>', unlock.display_name, mark, unlock.login_name
    )


def _by(unlock: AccountUnlock) -> str:
    name = unlock.unlocked_by.display_name if unlock.unlocked_by else ""
    return gettext("%(name)s (by hand)") % {"name": name} if unlock.by_hand else name


UNLOCKS: Table[AccountUnlock] = tables.register(
    Table(
        name="unlocks",
        url_name="unlock_list",
        columns=(
            Column(
                name="application",
                label=_("Application number"),
                text=lambda u: u.application_number,
                cell=lambda u: link("application_detail", u.application_number, u.application_number),
            ),
            Column(name="person", label=_("Account"), text=lambda u: u.display_name, cell=_who, css="who"),
            Column(
                name="login_name",
                label=_("Login name"),
                text=lambda u: u.login_name,
                default=False,
                css="u-mono",
            ),
            columns.organisation(),
            Column(name="way", label=_("Identity"), text=lambda u: u.get_way_display()),
            columns.moment("locked_since", _("Locked since"), short=short_moment),
            Column(name="attempts", label=_("Wrong passwords"), text=lambda u: u.attempts, css="u-num"),
            Column(
                name="sources",
                label=_("From where, at the portal"),
                text=lambda u: u.sources,
                default=False,
            ),
            columns.moment("unlocked_at", _("Unlocked"), short=short_moment),
            Column(name="unlocked_by", label=_("Unlocked by"), text=_by),
            Column(
                name="owner_told",
                label=_("User told by mail"),
                text=lambda u: gettext("yes") if u.owner_told else gettext("no"),
                default=False,
            ),
            Column(
                name="repeated",
                label=_("Several in short time"),
                text=lambda u: gettext("yes") if u.is_repeated else gettext("no"),
                default=False,
            ),
        ),
    )
)
