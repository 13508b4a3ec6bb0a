"""The way to the mail server: encrypted where it is asked for, never to a server that nobody vouches for."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from portal.embedded.directory.certificates import make_certificates
from portal.embedded.sockets import free_port
from portal.notices import delivery
from portal.notices.delivery import Result
from tests.notices.support import NOW, Misbehaving, notice

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.notices.urls")]

USER, PASSWORD = "portal", "relay-Canary-9"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder, names=["localhost"], addresses=["127.0.0.1"])
    return folder


def _login_ok(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(
        success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False
    )


@pytest.fixture(params=["ssl", "starttls"])
def server(request: pytest.FixtureRequest, certificates: Path, settings: Any) -> Iterator[Misbehaving]:
    """A mail server that takes mail over TLS and after a login only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    how = (
        {"ssl_context": context}
        if request.param == "ssl"
        else {"tls_context": context, "require_starttls": True}
    )
    handler, port = Misbehaving("250 OK"), free_port("127.0.0.1")
    login = {
        "authenticator": _login_ok,
        "auth_required": True,
        "auth_require_tls": request.param == "starttls",
    }
    controller = Controller(handler, hostname="127.0.0.1", port=port, **how, **login)
    settings.SMTP = {
        "host": "127.0.0.1",
        "port": port,
        "user": USER,
        "password": PASSWORD,
        "security": request.param,
        "timeout": 5,
    }
    controller.start()
    yield handler
    controller.stop()


def send() -> Result:
    return delivery.send_due(now_fn=lambda: NOW)


def test_mail_goes_over_tls_with_a_login(
    server: Misbehaving, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.pem"))
    notice()

    assert send() == Result(sent=1)
    assert server.received == 1


def test_a_server_with_an_unknown_certificate_gets_nothing(server: Misbehaving) -> None:
    queued = notice()

    assert send() == Result(later=1)

    queued.refresh_from_db()
    assert (queued.error_code, server.received) == ("SSLCertVerificationError"[:20], 0)


def test_a_refused_login_is_for_later_and_says_no_password(
    server: Misbehaving, certificates: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.pem"))
    settings.SMTP = {**settings.SMTP, "password": "wrong-Canary-1"}
    queued = notice()

    assert send() == Result(later=1)

    queued.refresh_from_db()
    assert (queued.status, queued.error_code, queued.error_message) == ("QUEUED", "535", "")
