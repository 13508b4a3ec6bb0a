"""The own address, to which codes are mailed, is confirmed first (ACC-11)."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from accounts.reminder import addresses
from accounts.reminder.models import ConfirmedAddress
from portal.notices import messages
from portal.notices.models import Notice
from portal.orgs.models import User
from tests.roles import client_of

pytestmark = pytest.mark.django_db


def test_an_address_is_confirmed_with_a_mailed_code(person: User) -> None:
    ConfirmedAddress.objects.all().delete()
    client = client_of(person)

    client.post("/profile/address/", {"send": "1"})
    text = str(messages.build(Notice.system.get(template="address_code"), now=timezone.now()).get_content())
    code = re.search(r"\d{4} \d{4}", text)
    assert code is not None
    wrong = client.post("/profile/address/", {"code": "1111 1111"})
    unconfirmed = addresses.is_confirmed(person)
    right = client.post("/profile/address/", {"code": code.group()})

    assert (wrong.status_code, unconfirmed) == (422, False)
    assert right.status_code == 302
    assert addresses.is_confirmed(person)


def test_a_code_for_the_old_address_does_not_confirm_the_new_one(person: User) -> None:
    ConfirmedAddress.objects.all().delete()
    now = timezone.now()
    addresses.send_code(actor=person, ip=None, now=now)
    notice = Notice.system.get(template="address_code")
    code = addresses.code_for_mail(notice)["code"]
    person.email = "other@kokuho13.example.jp"
    person.save()

    assert not addresses.confirm(actor=person, code=code, now=timezone.now())
