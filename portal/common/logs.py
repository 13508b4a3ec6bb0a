"""The second belt around secrets: the first is that no secret is ever handed to a logger."""

from __future__ import annotations

import logging
import re
from collections.abc import ItemsView
from typing import Any

from django.views.debug import SafeExceptionReporterFilter

_SECRET = re.compile(r"(?i)\b(password|passwd|unicodepwd|secret|token|authorization)(['\"]?\s*[:=]\s*)(\S+)")


class RedactSecrets(logging.Filter):
    """Replaces what looks like `password=…` in a finished message."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        cleaned = _SECRET.sub(r"\1\2[removed]", message)
        if cleaned != message:
            record.msg, record.args = cleaned, None
        return True


class SilentReporterFilter(SafeExceptionReporterFilter):
    """Error reports without local variables and without form values: either could hold a password (ACC-10)."""

    def is_active(self, request: Any) -> bool:
        return True

    def get_traceback_frame_variables(self, request: Any, tb_frame: Any) -> ItemsView[str, Any]:
        return {}.items()

    def get_post_parameters(self, request: Any) -> dict[str, Any]:
        return {}
