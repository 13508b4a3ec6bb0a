"""Answers that are documents."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def pdf_response(data: bytes, name: str) -> HttpResponse:
    """A PDF that the browser shows."""
    response = HttpResponse(data, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name}"'
    response["Cache-Control"] = "no-store, private"
    return response


def no_pdf(request: HttpRequest) -> HttpResponse:
    """This machine cannot make PDFs; docs/OPERATIONS.md says what it lacks."""
    return render(request, "components/no_pdf.html", status=503)
