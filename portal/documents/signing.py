"""Signatures and time stamps on PDF documents (PAdES, RFC 3161), made and checked by pyHanko.

The key belongs to the process `portal-documents`, whose account alone can read it: no other process is told
DOCUMENT_SIGNING_KEY_FILE (docs/OPERATIONS.md, docs/adr/0047).
pyHanko takes 20 MB and a second to load: whoever signs imports this module where it signs.
"""

from __future__ import annotations

import asyncio
import io
import ssl
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx
from asn1crypto import tsp
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key
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
from pyhanko_certvalidator.util import get_pyca_cryptography_hash

from portal.documents.errors import SigningUnavailable

_FIELD = "PortalSignature"
_DIGEST = "sha256"
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
            async with httpx.AsyncClient(timeout=_TSA_SECONDS, trust_env=False, verify=_tls()) as client:
                answer = await client.post(self._url, content=req.dump(), headers=headers)
            answer.raise_for_status()
            return tsp.TimeStampResp.load(answer.content)
        except (httpx.HTTPError, ValueError) as error:
            raise TimestampRequestError(f"{type(error).__name__} from the time-stamp authority") from error


class _Signer(signers.SimpleSigner):
    """Reads its RSA key once. pyHanko reads it for each signature, and testing its primes anew costs more than the rest of signing."""

    def __init__(self, certificate: Any, key: Any, chain: SimpleCertificateStore) -> None:
        super().__init__(signing_cert=certificate, signing_key=key, cert_registry=chain)
        is_rsa = certificate.public_key.algorithm == "rsa"
        self._rsa = load_der_private_key(key.dump(), password=None) if is_rsa else None

    def sign_raw(self, data: bytes, digest_algorithm: str) -> bytes:
        if isinstance(self._rsa, RSAPrivateKey):
            return self._rsa.sign(data, PKCS1v15(), get_pyca_cryptography_hash(digest_algorithm))
        return super().sign_raw(data, digest_algorithm)


def sign_pdf(data: bytes, *, reason: str) -> bytes:
    """The PDF with a PAdES signature over all of it and, where an authority is set, a time stamp. No change is allowed after.

    Raises SigningUnavailable: no key, an unreadable one, or an authority that does not answer.
    """
    signer = _signer(settings.DOCUMENT_SIGNING_KEY_FILE, settings.DOCUMENT_CERTIFICATE_FILE)
    meta = signers.PdfSignatureMetadata(
        field_name=_FIELD,
        reason=reason,
        md_algorithm=_DIGEST,
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
    )
    url, output = settings.DOCUMENT_TIMESTAMP_URL, io.BytesIO()
    try:
        signers.PdfSigner(meta, signer, timestamper=_stamper(url)).sign_pdf(
            IncrementalPdfFileWriter(io.BytesIO(data)), bytes_reserved=_room(signer, url), output=output
        )
    except (TimestampRequestError, SigningError, OSError) as error:
        _room.cache_clear()  # new certificates of the authority may need more
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
    return _Signer(certificate, key, store)


def _stamper(url: str) -> TimeStamper | None:
    return _HttpxTimeStamper(url) if url else None


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """What httpx would make anew for each time stamp, for an http:// address too: it reads all certificates of the web, 30 ms."""
    return httpx.create_ssl_context(trust_env=False)


@lru_cache(maxsize=4)
def _room(signer: signers.Signer, url: str) -> int:
    """How many hexadecimal digits a file keeps free for its signature and time stamp, by one made for practice.

    pyHanko would make one before each document and ask the authority for its time stamp. Half as much again is pyHanko's
    margin: authorities do not promise answers of one length.
    """
    practice = signer.async_sign(bytes(32), _DIGEST, dry_run=True, use_pades=True, timestamper=_stamper(url))
    return len(asyncio.run(practice).dump()) * 3 // 2 * 2


def _trust() -> ValidationContext:
    """Our own roots and nothing else; nothing is fetched (the network is closed)."""
    roots = certificates(settings.DOCUMENT_ROOTS_FILE) if settings.DOCUMENT_ROOTS_FILE else []
    return ValidationContext(trust_roots=roots, allow_fetching=False, revocation_mode="soft-fail")
