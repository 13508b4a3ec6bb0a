"""The whole way over HTTP on real services: apply, return, resubmit, approve, accept, an account in Samba AD, a mail."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import uuid
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

import ldap3
import pytest
from django.utils import timezone

from portal.embedded.mailcatcher import MailCatcher
from portal.fulfilment import services as fulfilment
from portal.gateways.directory import BindResult
from portal.gateways.directory_factory import get_directory
from portal.orgs import tokens
from portal.orgs.models import User
from tests.journeys import Cast, registration_line

pytestmark = [pytest.mark.real, pytest.mark.django_db(transaction=True)]

PASSWORD = re.compile(r"\b[A-Za-z0-9]{4}-[A-Za-z0-9]{4}-[A-Za-z0-9]{4}\b")


@dataclass
class Person:
    """Somebody at the other end of an HTTP connection."""

    user: User
    address: str
    token: str = field(init=False)

    def __post_init__(self) -> None:
        _, self.token = tokens.create_token(
            actor=self.user, name="test", scope="EVERYTHING", days=1, second_factor=True, now=timezone.now()
        )

    def send(
        self, method: str, path: str, body: dict[str, Any] | None = None, etag: str = ""
    ) -> tuple[Any, str]:
        """One request; gives the body and the ETag of the answer, which must be a success."""
        client = http.client.HTTPConnection(self.address, timeout=60)
        headers = {"Authorization": f"Token {self.token}", "Accept": "application/json"}
        if body is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        if etag:
            headers["If-Match"] = etag
        client.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = client.getresponse()
        text = answer.read().decode()
        client.close()
        assert answer.status < 300, f"{method} {path}: {answer.status} {text}"
        return json.loads(text), answer.getheader("ETag", "")

    def step(self, number: str, name: str, **body: Any) -> dict[str, Any]:
        """One step of an application, with the version that this person sees now."""
        _, etag = self.send("GET", f"/api/v1/applications/{number}/")
        shown, _ = self.send("POST", f"/api/v1/applications/{number}/{name}/", body, etag)
        return dict(shown)

    def decide(self, number: str, name: str, comment: str = "") -> dict[str, Any]:
        """A decision on exactly what this person was shown."""
        shown, _ = self.send("GET", f"/api/v1/applications/{number}/")
        seen = {key: shown["decision"][key] for key in ("stage_id", "content_hash", "plan_digest")}
        return self.step(number, name, comment=comment, **seen)


def _read_as_administrator(env: dict[str, str], login_name: str) -> dict[str, Any]:
    """The account by an LDAP search of its own, not through the portal."""
    parts = urlsplit(env["AD_LDAP_URLS"])
    tls = ldap3.Tls(
        validate=ssl.CERT_REQUIRED, ca_certs_file=env["AD_CA_FILE"], valid_names=[env["AD_TLS_SERVER_NAME"]]
    )
    server = ldap3.Server(parts.hostname, parts.port, use_ssl=True, tls=tls, get_info=ldap3.NONE)
    with ldap3.Connection(
        server, env["AD_ADMIN_DN"], env["AD_ADMIN_PASSWORD"], client_strategy=ldap3.SAFE_SYNC, auto_bind=True
    ) as connection:
        _, _, found, _ = connection.search(
            env["AD_BASE_DN"], f"(sAMAccountName={login_name})", attributes=["*"]
        )
    entries = [entry["raw_attributes"] for entry in found if entry["type"] == "searchResEntry"]
    assert len(entries) == 1
    return {name: [value.decode(errors="replace") for value in values] for name, values in entries[0].items()}


def test_the_whole_way_against_samba_over_ldaps(
    live_server: Any, samba_env: dict[str, str], mail_catcher: MailCatcher
) -> None:
    cast = Cast()
    address = urlsplit(live_server.url).netloc
    clerk, approver, operator = (Person(u, address) for u in (cast.applicant, cast.approver, cast.operator))
    name = f"tk{token_hex(4)}"
    line = registration_line(cast.recipient, login_name=name, given_name="美希")
    draft = {
        "kind": "accounts.register",
        "organisation": "13",
        "reason": "12月1日付けの着任のため。",
        "lines": [line],
    }

    made, etag = clerk.send("POST", "/api/v1/applications/", draft)
    number = made["number"]
    clerk.step(number, "submit")
    approver.decide(number, "return", "お名前の漢字を確かめてください。")
    _, etag = clerk.send("GET", f"/api/v1/applications/{number}/")
    clerk.send("PATCH", f"/api/v1/applications/{number}/", {"lines": [line | {"given_name": "美咲"}]}, etag)
    resubmitted = clerk.step(number, "submit")
    approver.decide(number, "approve")
    operator.decide(number, "approve")
    fulfilment.drain("directory", now_fn=timezone.now)
    finished, _ = clerk.send("GET", f"/api/v1/applications/{number}/")

    assert (resubmitted["revision"], finished["status"]) == (2, "COMPLETED")
    found = _read_as_administrator(samba_env, name)
    expected = {
        "sAMAccountName": name,
        "userPrincipalName": f"{name}@{samba_env['AD_DOMAIN']}",
        "displayName": "鈴木 美咲",
        "sn": "鈴木",
        "givenName": "美咲",
        "msDS-PhoneticDisplayName": "スズキ ミサキ",
        "department": "審査第二課",
        "company": "東京都国民健康保険団体連合会",
        "distinguishedName": f"CN={name},OU=Users,OU=13,{samba_env['AD_ROOT_OU']}",
        "userAccountControl": "512",
        "pwdLastSet": "0",
    }
    assert {key: found.get(key) for key in expected} == {key: [value] for key, value in expected.items()}
    mails = [mail for mail in mail_catcher.messages(cast.recipient.email) if PASSWORD.search(mail.text)]
    assert len(mails) == 1
    password = PASSWORD.findall(mails[0].text)[0]
    directory = get_directory()
    assert directory.authenticate(name, password) == BindResult.MUST_CHANGE
    entry = directory.find_by_login_name(name)
    assert entry is not None
    directory.change_password(entry.guid, old_password=password, new_password="Jibun-de-3randa")
    assert directory.authenticate(name, "Jibun-de-3randa") == BindResult.OK
    directory.delete(entry.guid)
