"""The Django project and the floors that every feature app stands on.

This package is imported before anything else by every entry point (manage.py, Celery, gunicorn, pytest), so it is the one
place that can make sure that `import requests` means this project's app and never PyPI's library of the same name
(docs/adr/0003).
"""

from pathlib import Path

import requests as _requests

_ROOT = Path(__file__).resolve().parent.parent
if not (_requests.__file__ or "").startswith(str(_ROOT / "requests")):
    raise ImportError(
        f"'requests' was loaded from {_requests.__file__}, not from this project. "
        "The PyPI package of that name must not be installed here; see docs/adr/0003."
    )

import rest_framework.compat as _compat  # noqa: E402

# DRF probes for the optional library and would take our app for it; without it only RequestsClient is lost.
_compat.requests = None  # type: ignore[assignment]

from portal.celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
