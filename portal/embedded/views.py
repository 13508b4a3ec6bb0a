"""The inbox of the mail catcher: open to everyone, because it exists only where mail is a demonstration."""

from __future__ import annotations

import os
from pathlib import Path

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal.embedded.mailstore import MailStore
from portal.settings.places import STATE_DIR


@login_not_required
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """The newest mails; `?to=` keeps those whose recipient contains the text."""
    recipient = request.GET.get("to", "").strip()[:254]
    mails = _store().newest(recipient=recipient)
    return render(request, "embedded/inbox.html", {"mails": mails, "recipient": recipient})


@login_not_required
@require_safe
def mail(request: HttpRequest, key: str) -> HttpResponse:
    """One mail with its decoded text."""
    found = _store().get(key)
    if found is None:
        raise Http404(_("This mail does not exist (any more)."))
    trail = [(reverse("embedded:inbox"), _("Mail inbox (demonstration)"))]
    return render(request, "embedded/mail.html", {"mail": found, "trail": trail})


def _store() -> MailStore:
    """The running catcher's folder: that of `make services` when the portal runs on them."""
    return MailStore(Path(os.environ.get("PORTAL_MAIL_DIR") or STATE_DIR / "mail"))
