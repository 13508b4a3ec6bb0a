"""What this app adds to the continuity pack: how to make an account by hand, where, and by which password rules (ACC-12)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from accounts import passwords
from accounts.attributes import attributes_of, container_of
from accounts.models import DirectoryAccount
from accounts.payloads import RegisterAccount
from portal.continuity.parts import Sheet
from portal.orgs.models import Organisation

_EXAMPLE = RegisterAccount(
    family_name="国保",
    given_name="花子",
    family_kana="コクホ",
    given_kana="ハナコ",
    login_name="kk13e0001",
    department="審査第一課",
    recipient_id=0,
    description="",
    staff_number="000123",
    expires_on="",
)


def sheets(now: datetime) -> Iterable[Sheet]:
    """The attribute table with an example, the containers, the rules of passwords."""
    organisations = list(Organisation.objects.order_by("sort_order", "code"))
    example = organisations[0]
    yield Sheet(
        title=_("Attribute table"),
        header=(_("Item"), _("Attribute"), _("Example")),
        rows=[
            *((_(a.label), a.name, a.value) for a in attributes_of(_EXAMPLE, example)),
            (_("Marker"), settings.DIRECTORY["marker_attribute"], "E-13-0001"),
            ("userAccountControl", "userAccountControl", "512"),
            (_("Change at the first logon (0: required)"), "pwdLastSet", "0"),
        ],
        note=_("The marker is the emergency number, or the number on the work sheet of an application."),
    )
    yield Sheet(
        title=_("Containers"),
        header=(_("Organisation"), _("Type of account"), _("Container")),
        rows=[
            (organisation.name, account_type.label, container_of(organisation, account_type))
            for organisation in organisations
            for account_type in DirectoryAccount.AccountType
        ],
    )
    yield Sheet(
        title=_("Rules of passwords"),
        header=(_("Rule"),),
        rows=[(str(text),) for text in passwords.RULE_TEXTS.values()],
        note=_(
            "Draw it for this person only, hand it over in a sealed envelope, and write it down nowhere else."
        ),
    )
