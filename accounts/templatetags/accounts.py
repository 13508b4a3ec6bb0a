"""Tags of the account templates."""

from __future__ import annotations

from typing import Any

from django import template

from accounts.delivery import unused
from accounts.delivery.models import InitialPassword
from portal.orgs.models import Organisation, PasswordRecipient
from portal.orgs.permissions import Role
from portal.workflow.models import ApplicationLine

register = template.Library()


@register.simple_tag
def recipient_of(organisation: Organisation, recipient_id: Any) -> PasswordRecipient | None:
    """The recipient named on a line, also one who left since; only of the line's own organisation (ORG-02).

    All lines of one page share one query: it is kept on the organisation object, which the page's lines share. (A
    template's render_context would be empty again in each included template.)
    """
    kept = organisation.__dict__.setdefault("_recipients_shown", {})
    if not kept:
        kept.update({row.pk: row for row in organisation.password_recipients.all()})
    found: PasswordRecipient | None = kept.get(recipient_id)
    return found


@register.filter
def role_label(role: str) -> str:
    """The name of a role, also where only its code was stored."""
    return str(Role(role).label)


@register.simple_tag
def initial_password_of(line: ApplicationLine) -> InitialPassword | None:
    """What became of the initial password of a line; all lines of one application share one query."""
    kept = line.organisation.__dict__.setdefault("_initial_passwords_shown", {})
    if line.application_id not in kept:
        kept[line.application_id] = unused.of_application(line.application_id)
    found: InitialPassword | None = kept[line.application_id].get(line.pk)
    return found
