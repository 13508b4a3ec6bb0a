"""Signatures and time stamps on PDF documents (PAdES, RFC 3161), made and checked by pyHanko.

The key belongs to the process `portal-documents`, whose account alone can read it: no other process is told
DOCUMENT_SIGNING_KEY_FILE (docs/OPERATIONS.md, docs/adr/0047).
pyHanko takes 20 MB and a second to load: whoever signs imports this module where it signs.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx
from asn1crypto import tsp
from django.conf import settings
from pyhanko.keys import load_certs_from_pemder, load_private_key_from_pemder
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.timestamps import TimeStamper, TimestampRequestError
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from portal.documents.errors import SigningUnavailable

_FIELD = "PortalSignature"
_TSA_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class Seal:
    """What the signature of a PDF says. `fits` only when the bytes are those that were signed, by somebody we trust."""

    signed: bool
    intact: bool = False
    trusted: bool = False
    covers_all: bool = False  # nothing was added behind the signature
    signer: str = ""
    stamped_at: datetime | None = None  # by the time-stamp authority

    @property
    def fits(self) -> bool:
        """Whether the document is as it was signed."""
        return self.signed and self.intact and self.trusted and self.covers_all


class _HttpxTimeStamper(TimeStamper):
    """An RFC 3161 authority over HTTP. pyHanko's own client wants another HTTP library than ours (ADR 0003)."""

    def __init__(self, url: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._url = url

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        headers = {"Content-Type": "application/timestamp-query"}
        try:
            async with httpx.AsyncClient(timeout=_TSA_SECONDS, trust_env=False) as client:
                answer = await client.post(self._url, content=req.dump(), headers=headers)
            answer.raise_for_status()
            return tsp.TimeStampResp.load(answer.content)
        except (httpx.HTTPError, ValueError) as error:
            raise TimestampRequestError(f"{type(error).__name__} from the time-stamp authority") from error


def sign_pdf(data: bytes, *, reason: str) -> bytes:
    """The PDF with a PAdES signature over all of it and, where an authority is set, a time stamp. No change is allowed after.

    Raises SigningUnavailable: no key, an unreadable one, or an authority that does not answer.
    """
    signer, stamper = _signer(settings.DOCUMENT_SIGNING_KEY_FILE, settings.DOCUMENT_CERTIFICATE_FILE), None
    if settings.DOCUMENT_TIMESTAMP_URL:
        stamper = _HttpxTimeStamper(settings.DOCUMENT_TIMESTAMP_URL)
    meta = signers.PdfSignatureMetadata(
        field_name=_FIELD,
        reason=reason,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
    )
    output = io.BytesIO()
    try:
        signers.PdfSigner(meta, signer, timestamper=stamper).sign_pdf(
            IncrementalPdfFileWriter(io.BytesIO(data)), output=output
        )
    except (TimestampRequestError, SigningError, OSError) as error:
        raise SigningUnavailable(str(error)) from error
    return output.getvalue()


def certificates(path: str) -> list[Any]:
    """The certificates of a PEM file. Raises SigningUnavailable when it cannot be read."""
    try:
        return list(load_certs_from_pemder([path]))  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise SigningUnavailable(f"{Path(path).name}: {type(error).__name__}") from error


def seal_of(data: bytes) -> Seal:
    """What the signature of this PDF says, judged by the certificates in DOCUMENT_ROOTS_FILE. Never raises for a broken file."""
    context = _trust()
    try:
        found = PdfFileReader(io.BytesIO(data)).embedded_signatures
        if not found:
            return Seal(signed=False)
        status = validate_pdf_signature(found[0], context, ts_validation_context=context)
    except Exception as error:  # the readers of PDF, CMS and streams raise whatever broken bytes lead them to
        if isinstance(error, RuntimeError) and not isinstance(error, RecursionError | NotImplementedError):
            raise  # a mistake of ours, such as an event loop that runs already
        return Seal(signed=False)
    stamp = status.timestamp_validity
    return Seal(
        signed=True,
        intact=bool(status.intact and status.valid),
        trusted=bool(status.trusted) and (stamp is None or bool(stamp.trusted and stamp.intact)),
        covers_all=len(found) == 1 and status.coverage == SignatureCoverageLevel.ENTIRE_FILE,
        signer=str(status.signing_cert.subject.native.get("common_name", "")),
        stamped_at=stamp.timestamp if stamp is not None else None,
    )


@lru_cache(maxsize=4)
def _signer(key_file: str, certificate_file: str) -> Any:
    if not key_file or not certificate_file:
        raise SigningUnavailable("DOCUMENT_SIGNING_KEY_FILE and DOCUMENT_CERTIFICATE_FILE are not set")
    certificate, *chain = certificates(certificate_file)
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register_multiple(chain)
    try:
        key = load_private_key_from_pemder(key_file, passphrase=None)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise SigningUnavailable(f"{Path(key_file).name}: {type(error).__name__}") from error
    return signers.SimpleSigner(signing_cert=certificate, signing_key=key, cert_registry=store)


def _trust() -> ValidationContext:
    """Our own roots and nothing else; nothing is fetched (the network is closed)."""
    roots = certificates(settings.DOCUMENT_ROOTS_FILE) if settings.DOCUMENT_ROOTS_FILE else []
    return ValidationContext(trust_roots=roots, allow_fetching=False, revocation_mode="soft-fail")
