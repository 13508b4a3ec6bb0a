"""What the actions in the trail are called on screens. An action without a name here is shown as it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

LABELS: Mapping[str, Any] = {
    "login": _("logged in"),
    "login.refused": _("login refused"),
    "login.second_factor_refused": _("second factor refused"),
    "logout": _("logged out"),
    "break_glass.create": _("break-glass account made"),
    "password.change": _("own password changed"),
    "password.change_refused": _("change of own password refused"),
    "password.change_unknown": _("change of own password without an answer"),
    "factor.add": _("second factor registered"),
    "factor.remove": _("second factor removed"),
    "factor.codes": _("recovery codes made"),
    "token.create": _("token made"),
    "token.revoke": _("token revoked"),
    "person.add": _("person made known"),
    "person.activate": _("person let in again"),
    "person.deactivate": _("person shut out"),
    "membership.add": _("role given"),
    "membership.end": _("role ended"),
    "deputy.add": _("deputy named"),
    "deputy.end": _("deputy ended"),
    "recipient.add": _("recipient registered"),
    "recipient.resend": _("confirmation sent again"),
    "recipient.confirm": _("recipient confirmed the address"),
    "recipient.end": _("recipient ended"),
    "recipient.view": _("recipients viewed"),
    "organisation.view": _("people of an organisation viewed"),
    "route.change": _("approval route changed"),
    "application.view": _("application viewed"),
    "application.list": _("applications listed"),
    "application.export": _("applications exported"),
    "application.created": _("draft created"),
    "application.save": _("draft saved"),
    "application.attach": _("attachment added"),
    "application.detach": _("attachment removed"),
    "application.remind": _("reminder sent"),
    "application.submitted": _("application submitted"),
    "application.resubmitted": _("application submitted again"),
    "application.approved": _("application approved"),
    "application.rejected": _("application rejected"),
    "application.returned": _("application returned"),
    "application.pulled_back": _("application pulled back"),
    "application.withdrawn": _("application withdrawn"),
    "application.completed": _("application completed"),
    "application.partly_completed": _("application partly completed"),
    "application.needs_attention": _("application needs attention"),
    "application.not_done": _("application closed without result"),
    "application.continued": _("application being carried out again"),
    "application.handed_to_operations": _("decision handed to network operations"),
    "attachment.download": _("attachment downloaded"),
    "account.view": _("account viewed"),
    "account.list": _("accounts listed"),
    "account.export": _("accounts exported"),
    "operation.view": _("operation viewed"),
    "operation.taken": _("operation taken by hand"),
    "operation.given_back": _("operation given back"),
    "operation.retried": _("operation retried"),
    "operation.verified": _("operation recorded as done"),
    "operation.not_verified": _("operation recorded as done, not verified"),
    "operation.closed": _("operation closed"),
    "operation.change_recipient": _("recipient of an operation changed"),
    "target.pause": _("target paused"),
    "target.resume": _("target resumed"),
    "notice.failed": _("mail refused"),
    "notice.send_again": _("mail sent again"),
    "trail.view": _("trail viewed"),
    "trail.export": _("trail exported"),
}


def label(action: str) -> str:
    """The name of an action in the language of the page."""
    return str(LABELS.get(action, action))
