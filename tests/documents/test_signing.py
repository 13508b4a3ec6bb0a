"""Signed documents: whole, stamped by an authority of another make, and nothing changed unnoticed (AUD-07, AUD-10)."""

from __future__ import annotations

import io
import struct
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from pyhanko.pdf_utils.reader import PdfFileReader
from pypdf import PdfReader, PdfWriter

from portal.documents import signing
from portal.documents.errors import SigningUnavailable
from portal.documents.signing import seal_of, sign_pdf
from portal.embedded import authority
from tests.documents.openssl_tsa import openssl_tsa, with_authority


@pytest.fixture(scope="module")
def plain() -> bytes:
    from weasyprint import HTML

    return bytes(HTML(string="<h1>監査</h1><p>本文</p>").write_pdf(pdf_variant="pdf/a-2u"))


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    with_authority(settings, tmp_path)
    return tmp_path


def test_a_signed_document_is_intact_trusted_and_stamped_by_openssl(
    settings: Any, folder: Path, plain: bytes
) -> None:
    with openssl_tsa(folder) as url:
        settings.DOCUMENT_TIMESTAMP_URL = url
        seal = seal_of(sign_pdf(plain, reason="試験"))

    assert seal.fits
    assert seal.signer == "共通ネットワークシステム運用（デモ）"
    assert seal.stamped_at is not None


def test_without_an_authority_the_signature_stands_without_a_time_stamp(folder: Path, plain: bytes) -> None:
    seal = seal_of(sign_pdf(plain, reason="試験"))

    assert seal.fits
    assert seal.stamped_at is None


def test_an_authority_that_is_away_makes_no_document(settings: Any, folder: Path, plain: bytes) -> None:
    settings.DOCUMENT_TIMESTAMP_URL = "http://127.0.0.1:9/"

    with pytest.raises(SigningUnavailable):
        sign_pdf(plain, reason="試験")


def test_without_a_key_nothing_is_signed(settings: Any, plain: bytes) -> None:
    settings.DOCUMENT_SIGNING_KEY_FILE = ""

    with pytest.raises(SigningUnavailable):
        sign_pdf(plain, reason="試験")


def test_only_the_first_document_asks_the_authority_for_practice(
    settings: Any, folder: Path, plain: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    request = signing._HttpxTimeStamper.async_request_tsa_response

    async def counting(stamper: Any, query: Any) -> Any:
        asked.append(query)
        return await request(stamper, query)

    monkeypatch.setattr(signing._HttpxTimeStamper, "async_request_tsa_response", counting)
    with openssl_tsa(folder) as url:
        settings.DOCUMENT_TIMESTAMP_URL = url
        seals = [seal_of(sign_pdf(plain, reason="試験")) for _ in range(3)]

    assert all(seal.fits and seal.stamped_at for seal in seals)
    assert len(asked) == 3 + 1


def test_the_room_for_a_signature_is_what_pyhanko_would_keep(
    folder: Path, plain: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = _room_of(sign_pdf(plain, reason="試験"))
    monkeypatch.setattr(signing, "_room", lambda *_: None)  # pyHanko finds it by itself

    assert ours == _room_of(sign_pdf(plain, reason="試験"))


def _room_of(document: bytes) -> int:
    _, before, behind, _ = PdfFileReader(io.BytesIO(document)).embedded_signatures[0].byte_range
    return int(behind - before)


def test_a_signature_that_outgrew_its_room_finds_more_at_the_next_attempt(
    folder: Path, plain: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = iter([200, 20_000])
    monkeypatch.setattr(signing, "_room", lru_cache(lambda *_: next(rooms)))

    with pytest.raises(SigningUnavailable):
        sign_pdf(plain, reason="試験")
    assert seal_of(sign_pdf(plain, reason="試験")).fits


def test_a_key_on_an_elliptic_curve_signs_too(folder: Path, plain: bytes) -> None:
    key, root_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = authority._certificate("認証局", root_key, None, root_key, ca=True)
    for name in (authority.ROOT, authority.SIGNER, authority.SIGNER_KEY):
        (folder / name).unlink()
    authority._write(folder / authority.ROOT, root)
    authority._write(folder / authority.SIGNER, authority._certificate("署名者", key, root, root_key), root)
    authority._write_key(folder / authority.SIGNER_KEY, key)

    assert seal_of(sign_pdf(plain, reason="試験")).fits


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory, plain: bytes) -> tuple[bytes, str]:
    from django.test import override_settings

    folder = tmp_path_factory.mktemp("authority")
    authority.make_certificates(folder)
    with override_settings(**authority.environment(folder, None), DOCUMENT_TIMESTAMP_URL=""):
        return sign_pdf(plain, reason="試験"), str(folder / authority.ROOT)


def test_whatever_broken_bytes_lead_a_reader_to_the_document_is_not_signed(
    settings: Any, signed: tuple[bytes, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document, settings.DOCUMENT_ROOTS_FILE = signed

    def raising(error: Exception) -> None:
        def read(*_: Any, **__: Any) -> None:
            raise error

        monkeypatch.setattr("portal.documents.signing.validate_pdf_signature", read)

    for error in (zlib.error("incorrect header check"), struct.error(), AssertionError(), RecursionError()):
        raising(error)
        assert not seal_of(document).signed
    raising(RuntimeError("a mistake of ours"))
    with pytest.raises(RuntimeError):
        seal_of(document)


@hypothesis.settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_a_byte_that_changed_in_what_was_signed_is_noticed(
    signed: tuple[bytes, str], data: st.DataObject
) -> None:
    from django.test import override_settings

    document, roots = signed
    # Around the signature itself, whose padding and copies of certificates prove nothing.
    _, before, behind, length = PdfFileReader(io.BytesIO(document)).embedded_signatures[0].byte_range
    place = data.draw(st.integers(0, before - 1) | st.integers(behind, behind + length - 1))
    other = data.draw(st.integers(1, 255))
    changed = bytearray(document)
    changed[place] ^= other

    with override_settings(DOCUMENT_ROOTS_FILE=roots):
        assert seal_of(document).fits
        assert not seal_of(bytes(changed)).fits


def test_what_was_added_behind_the_signature_is_noticed(settings: Any, signed: tuple[bytes, str]) -> None:
    document, settings.DOCUMENT_ROOTS_FILE = signed
    writer = PdfWriter(io.BytesIO(document), incremental=True)
    writer.add_metadata({"/Title": "別の文書"})
    output = io.BytesIO()
    writer.write(output)

    seal = seal_of(output.getvalue())

    assert seal.signed
    assert not seal.fits


def test_a_signature_of_a_stranger_does_not_count(
    settings: Any, tmp_path: Path, signed: tuple[bytes, str]
) -> None:
    with_authority(settings, tmp_path)

    assert not seal_of(signed[0]).fits


def test_a_document_without_a_signature_and_no_document_at_all(
    settings: Any, folder: Path, plain: bytes
) -> None:
    assert not seal_of(plain).signed
    assert not seal_of(b"not a PDF").signed
    assert PdfReader(io.BytesIO(plain)).pages
