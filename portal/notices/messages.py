"""From a notice to a mail: the text is made at sending and never stored. Nothing personal stands in it (ACC-04)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.template import Context
from django.template.loader import get_template
from django.urls import reverse
from django.utils import timezone, translation

from portal.notices.errors import AddressRefused
from portal.notices.models import Notice
from portal.notices.relay import sender_domain

Provider = Callable[[Notice], dict[str, Any]]

_providers: dict[str, Provider] = {}


def provide(template: str, provider: Provider) -> None:
    """Let another room add values to a mail when it is made, for example a link that must not be stored in the queue.

    The provider raises errors.NothingToSay when the matter is settled and the mail is not to go.
    """
    _providers[template] = provider


def link(view: str, *args: str | int) -> str:
    """The full address of a page."""
    return f"{settings.PORTAL_URL}{reverse(view, args=args)}"


def build(notice: Notice, *, now: datetime, secret: dict[str, str] | None = None) -> EmailMessage:
    """The mail of a notice. `secret` is put into the text and kept nowhere else (ACC-10).

    Raises NothingToSay, and AddressRefused for an address that cannot be one (two addresses, a line break, nothing before the @).
    """
    subject, body = _render(notice, secret or {})
    message = EmailMessage()
    message["From"] = settings.DEFAULT_FROM_EMAIL
    message["To"] = _recipient(notice.to_address)
    message["Subject"] = subject
    message["Date"] = format_datetime(timezone.localtime(now))
    message["Message-ID"] = f"<{notice.uid}@{sender_domain()}>"
    if notice.application_number:
        thread = f"<{notice.application_number.lower()}@{sender_domain()}>"
        message["In-Reply-To"] = thread
        message["References"] = thread
    message["Auto-Submitted"] = "auto-generated"
    if secret:
        message["Sensitivity"] = "Company-Confidential"
    message.set_content(body, charset="utf-8", cte="base64")
    return message


def _render(notice: Notice, secret: dict[str, str]) -> tuple[str, str]:
    provider = _providers.get(notice.template)
    values = {
        **_common(notice),
        **notice.context,
        **_dates(notice.context),
        **(provider(notice) if provider else {}),
        **secret,
    }
    with translation.override("ja"):
        template: Any = get_template(f"notices/{notice.template}.txt")
        text = template.template.render(Context(values, autoescape=False))
    subject, _newline, body = text.strip().partition("\n")
    return subject.strip(), body.strip() + "\n"


def _common(notice: Notice) -> dict[str, Any]:
    values: dict[str, Any] = {
        "number": notice.application_number,
        "organisation": notice.organisation.name,
        "portal_url": settings.PORTAL_URL + "/",
    }
    if notice.application_number:
        values["url"] = link("application_detail", notice.application_number)
    if notice.template == "application_needs_attention":
        values["operations_url"] = f"{link('operation_list')}?application={notice.application_number}"
    if notice.template == "job_failed":
        values["job_url"] = link("job_history", notice.context["job"])
    if notice.template == "break_glass_used":
        values["trail_url"] = link("trail_list")
    return values


def _dates(context: dict[str, Any]) -> dict[str, date]:
    """Dates are stored as text; templates get them as dates. Names of dates end in _on."""
    found = {}
    for name, value in context.items():
        if name.endswith("_on") and value:
            found[name] = date.fromisoformat(value)
    return found


def _recipient(address: str) -> Address:
    try:
        validate_email(address)
        return Address(addr_spec=address)
    except (ValidationError, ValueError, IndexError):
        raise AddressRefused("address", "not a mail address") from None
