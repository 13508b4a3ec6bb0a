"""ETag and If-Match: nobody changes or decides on a version that they have not seen."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _
from rest_framework.request import Request

from portal.common.api.problems import Problem
from portal.workflow.models import Application

_TAG = re.compile(r'^\s*"(\d{1,9})"\s*$')


def etag(application: Application) -> str:
    """The version of the application as an entity tag."""
    return f'"{application.version}"'


def require_match(request: Request, application: Application) -> int:
    """The version that the client saw, when it is the current one.

    Raises Problem 428 without a usable If-Match ("*" names no version) and 412 when the application has changed since.
    """
    header = request.headers.get("If-Match", "")
    versions = [int(match[1]) for part in header.split(",") if (match := _TAG.match(part))]
    if not versions:
        raise Problem(
            428,
            "if-match-required",
            _("Read the application first and send its ETag as If-Match."),
            headers={"ETag": etag(application)},
        )
    if application.version not in versions:
        raise changed(application)
    return application.version


def changed(application: Application) -> Problem:
    """412: the application is no longer what the client saw."""
    return Problem(
        412,
        "changed-meanwhile",
        _("The application has changed since you read it. Read it again."),
        headers={"ETag": etag(application)},
    )
