"""Certificates and a time-stamp authority for `make run` and tests: their own small certification authority.

    python -m portal.embedded.authority --dir DIR --port PORT    answer RFC 3161 requests until the end

In production the key and its certificate come from the organisation's own authority, and the time stamps from a real one.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_VALID = dt.timedelta(days=3650)
_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"
_LONGEST_QUERY = 64 * 1024
ROOT, SIGNER, SIGNER_KEY, STAMPER, STAMPER_KEY = "root.pem", "signer.pem", "signer.key", "tsa.pem", "tsa.key"


def make_certificates(folder: Path) -> None:
    """A root, a certificate that signs documents and one that stamps times, with their keys (0600), unless they are there."""
    if (folder / STAMPER).exists():
        return
    root_key = ec.generate_private_key(ec.SECP256R1())
    root = _certificate("国保ポータル デモ認証局", root_key, None, root_key, ca=True)
    _write(folder / ROOT, root)
    # With an elliptic curve pyHanko marks the signed file as PDF 2.0 (ISO 32002), which PDF/A-2 is not.
    signer_key = _rsa()
    _write_key(folder / SIGNER_KEY, signer_key)
    signer = _certificate("共通ネットワークシステム運用（デモ）", signer_key, root, root_key)
    _write(folder / SIGNER, signer, root)
    # pyHanko's authority signs with RSA only.
    stamper_key = _rsa()
    _write_key(folder / STAMPER_KEY, stamper_key)
    usages = [ExtendedKeyUsageOID.TIME_STAMPING]
    _write(folder / STAMPER, _certificate("デモ時刻認証局", stamper_key, root, root_key, usages=usages))


def environment(folder: Path, port: int | None) -> dict[str, str]:
    """The settings of portal.documents.signing for these certificates."""
    stamps = {"DOCUMENT_TIMESTAMP_URL": f"http://127.0.0.1:{port}/"} if port else {}
    return {
        "DOCUMENT_SIGNING_KEY_FILE": str(folder / SIGNER_KEY),
        "DOCUMENT_CERTIFICATE_FILE": str(folder / SIGNER),
        "DOCUMENT_ROOTS_FILE": str(folder / ROOT),
        **stamps,
    }


def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _certificate(
    name: str,
    key: _Key,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    ca: bool = False,
    usages: Sequence[x509.ObjectIdentifier] = (),
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COUNTRY_NAME, "JP"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(_key_usage(ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


def _key_usage(ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=not ca,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, *certificates: x509.Certificate) -> None:
    path.write_bytes(b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates))


def _write_key(path: Path, key: _Key) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)


class _Handler(BaseHTTPRequestHandler):
    """One request for a time stamp."""

    stamper: Any

    def do_POST(self) -> None:
        from asn1crypto import tsp

        length = int(self.headers.get("Content-Length") or 0)
        if self.headers.get("Content-Type") != _QUERY or not 0 < length <= _LONGEST_QUERY:
            self.send_error(400)
            return
        try:
            answer = self.stamper.request_tsa_response(tsp.TimeStampReq.load(self.rfile.read(length)))
        except (ValueError, TypeError, KeyError):
            self.send_error(400)
            return
        body = answer.dump()
        self.send_response(200)
        self.send_header("Content-Type", _REPLY)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is worth a line."""


def _stamper(folder: Path) -> Any:
    """pyHanko's own authority, which stamps with a key at hand."""
    from pyhanko.keys import load_cert_from_pemder, load_private_key_from_pemder
    from pyhanko.sign.timestamps import DummyTimeStamper
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register(load_cert_from_pemder(str(folder / ROOT)))  # type: ignore[no-untyped-call]
    return DummyTimeStamper(
        tsa_cert=load_cert_from_pemder(str(folder / STAMPER)),  # type: ignore[no-untyped-call]
        tsa_key=load_private_key_from_pemder(str(folder / STAMPER_KEY), passphrase=None),  # type: ignore[no-untyped-call]
        certs_to_embed=store,
    )


def main() -> None:
    """Answer until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    chosen = parser.parse_args()
    make_certificates(chosen.dir)
    _Handler.stamper = _stamper(chosen.dir)
    ThreadingHTTPServer(("127.0.0.1", chosen.port), _Handler).serve_forever()


if __name__ == "__main__":
    main()
