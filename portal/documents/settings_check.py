"""What of settings.DOCUMENT_* cannot work, told at the start and not with the first report (AUD-10)."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error

_READ_BY_OTHERS = 0o077


def settings_of_documents(**_: Any) -> list[CheckMessage]:
    """Deployment check: certificates that can be read, the address of a time-stamp authority, a private key. Connects to nothing.

    The key is looked at where it is named: before the start of the process that signs (portal-documents).
    """
    signer, roots = Path(settings.DOCUMENT_CERTIFICATE_FILE), Path(settings.DOCUMENT_ROOTS_FILE)
    found = [
        _certificates("DOCUMENT_CERTIFICATE_FILE", signer, "E001"),
        _certificates("DOCUMENT_ROOTS_FILE", roots, "E002"),
    ]
    address = urlsplit(settings.DOCUMENT_TIMESTAMP_URL)
    if address.scheme not in {"http", "https"} or not address.hostname:
        text = "DOCUMENT_TIMESTAMP_URL names no time-stamp authority (http://… or https://…)."
        found.append(Error(text, id="documents.E003"))
    if settings.DOCUMENT_SIGNING_KEY_FILE and not any(found):
        found.append(_key(Path(settings.DOCUMENT_SIGNING_KEY_FILE), signer))
    return [problem for problem in found if problem is not None]


# cryptography takes 8 MB, in processes too that never sign: it is loaded when a deployment is checked.


def _certificates(name: str, path: Path, code: str) -> CheckMessage | None:
    from cryptography import x509

    try:
        x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        return Error(f"{name}: {type(error).__name__}, no certificates can be read.", id=f"documents.{code}")
    return None


def _key(path: Path, certificate: Path) -> CheckMessage | None:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    name = "DOCUMENT_SIGNING_KEY_FILE"
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
        signer = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    except (OSError, ValueError, TypeError) as error:  # TypeError: it wants a passphrase
        return Error(f"{name}: {type(error).__name__}, no key can be read.", id="documents.E004")
    if path.stat().st_mode & _READ_BY_OTHERS:
        return Error(f"{name}: other accounts may read it; its mode must be 0600.", id="documents.E005")
    if key.public_key() != signer.public_key():
        return Error(f"{name}: not the key of DOCUMENT_CERTIFICATE_FILE.", id="documents.E006")
    return None
