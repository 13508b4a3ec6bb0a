"""Why a document cannot be made now. Apart from the libraries that make documents, which few processes need to load."""

from __future__ import annotations


class SigningUnavailable(Exception):
    """No key, no certificate, or no time stamp to be had now. Its text is for operations, in no language of a screen."""
