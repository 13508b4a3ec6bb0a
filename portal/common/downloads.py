"""Files that people attached, given back: never shown inside the portal's own pages."""

from __future__ import annotations

from urllib.parse import quote

from django.http import HttpResponse


def downloaded(name: str, content_type: str, data: bytes) -> HttpResponse:
    """The file to be saved; a browser that opens it nevertheless runs nothing in it."""
    response = HttpResponse(data, content_type=content_type)
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
