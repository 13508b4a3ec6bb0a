"""Tags of the account templates."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import RequestContext

from portal.orgs.models import Organisation, PasswordRecipient

register = template.Library()


@register.simple_tag(takes_context=True)
def recipient_of(
    context: RequestContext, organisation: Organisation, recipient_id: Any
) -> PasswordRecipient | None:
    """The recipient named on a line, also one who left since; only of the line's own organisation (ORG-02).

    All lines of one page share one query.
    """
    key = ("recipients", organisation.pk)
    if key not in context.render_context:
        context.render_context[key] = {row.pk: row for row in organisation.password_recipients.all()}
    found: PasswordRecipient | None = context.render_context[key].get(recipient_id)
    return found
