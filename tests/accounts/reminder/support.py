"""The pages of the forgotten password as a person goes through them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.reminder import services
from portal.gateways.directory import BindResult
from portal.notices import messages
from portal.notices.models import Notice
from portal.orgs.models import User
from tests.fakes import FakeDirectory
from tests.orgs.test_second_factor import now_code

ASK, CODE, FACTOR, NEW = (f"/password/forgotten/{part}" for part in ("", "code/", "factor/", "new/"))
CHOSEN = "Ringo-Gohan-52"
LONG_AGO = dt.timedelta(days=30)


def ask(client: Client, login_name: str) -> Any:
    """The first page."""
    return client.post(ASK, {"login_name": login_name})


def mailed_code() -> str:
    """What a worker does, and the code that its mail carries."""
    services.answer_open(now=timezone.now())
    notice = Notice.system.filter(template="reminder_code").latest("pk")
    text = str(messages.build(notice, now=timezone.now()).get_content())
    found = re.search(r"\d{4} \d{4}", text)
    assert found is not None
    return found.group()


def proven(client: Client, person: User, secret: str) -> Client:
    """As far as the choice of the password."""
    ask(client, person.login_name)
    assert client.post(CODE, {"code": mailed_code()}).status_code == 302
    assert client.post(FACTOR, {"code": now_code(secret)})["Location"] == NEW
    return client


def choose(client: Client, password: str = CHOSEN) -> Any:
    """The last page."""
    return client.post(NEW, {"new_password": password, "again": password})


def works(directory: FakeDirectory, person: User, password: str) -> bool:
    """Whether the person logs in with it."""
    return directory.authenticate(person.login_name, password) is BindResult.OK


def seen(response: HttpResponse) -> str:
    """The page without what changes with each request."""
    return re.sub(r'(value=|X-CSRFToken": )"[^"]*"', "", response.content.decode())
