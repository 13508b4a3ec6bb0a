"""HTML templates as PDF. Nothing is fetched: neither from a network nor from a file that the template does not bring itself."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.utils import translation


class PdfUnavailable(Exception):
    """The libraries that shape text (Pango) are missing on this machine; docs/OPERATIONS.md says which packages."""


# Archived documents: PDF/A-2 with Unicode, so that text can be found and read out in decades (ISO 19005-2).
ARCHIVE = "pdf/a-2u"


def render_pdf(template: str, context: dict[str, Any], *, variant: str | None = None) -> bytes:
    """The template as a PDF, in Japanese; `variant` ARCHIVE for what is kept for years. Raises PdfUnavailable."""
    try:
        from weasyprint import HTML
    except OSError as error:  # weasyprint loads Pango when it is imported
        raise PdfUnavailable(type(error).__name__) from error
    with translation.override("ja"):
        text = render_to_string(template, context)
    return bytes(
        HTML(string=text, url_fetcher=_fetch_nothing, base_url="about:blank").write_pdf(pdf_variant=variant)
    )


def _fetch_nothing(url: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
    raise ValueError("a document fetches nothing")
