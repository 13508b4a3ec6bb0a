"""People confirm their own mail address while they are logged in: only then can a forgotten password be helped (ACC-11)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.reminder import codes, throttle
from accounts.reminder.models import ConfirmedAddress
from portal.gateways import clock
from portal.notices import services as notices
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.trail import services as trail

PURPOSE = "address"


class NoAddress(Exception):
    """The account has no mail address."""


def is_confirmed(user: User) -> bool:
    """Whether the address that the person has now is the one that they confirmed."""
    rows = ConfirmedAddress.objects.filter(user=user, address__iexact=user.email, confirmed_at__isnull=False)
    return bool(user.email) and rows.exists()


@transaction.atomic
def send_code(*, actor: User, ip: str | None, now: datetime) -> None:
    """Mail a code to the person's address. Raises NoAddress and TooManyAttempts."""
    if not actor.email:
        raise NoAddress
    throttle.admit(throttle.ADDRESS, account=actor.login_name, ip=ip, now=now)
    ConfirmedAddress.objects.get_or_create(user=actor, defaults={"address": actor.email})
    notices.queue(
        template="address_code",
        now=now,
        organisation_id=actor.organisation_id,
        to_user=actor,
        context={"person": actor.pk},
    )


def code_for_mail(notice: Notice) -> dict[str, Any]:
    """The code, drawn when the mail is made and kept as a digest only."""
    code = codes.draw()
    row = ConfirmedAddress.objects.get(user_id=notice.context["person"])
    # The address goes into the digest: the code proves only the mailbox to which it went.
    row.code_digest = codes.digest(code, purpose=PURPOSE, holder=_holder(row.user_id, notice.to_address))
    row.code_sent_at, row.wrong_codes = clock.now(), 0
    row.save(update_fields=["code_digest", "code_sent_at", "wrong_codes"])
    return {"code": code}


@transaction.atomic
def confirm(*, actor: User, code: str, now: datetime) -> bool:
    """Whether the code is right; then the person's present address is confirmed."""
    row = ConfirmedAddress.objects.select_for_update().filter(user=actor).first()
    if row is None:
        return False
    right = codes.is_right(
        code,
        purpose=PURPOSE,
        holder=_holder(actor.pk, actor.email),
        kept=row.code_digest,
        sent_at=row.code_sent_at,
        wrong=row.wrong_codes,
        now=now,
    )
    if not right:
        row.wrong_codes = min(row.wrong_codes + 1, 1000)
        row.save(update_fields=["wrong_codes"])
        return False
    row.address, row.confirmed_at, row.code_digest = actor.email, now, ""
    row.save(update_fields=["address", "confirmed_at", "code_digest"])
    trail.record(
        action="address.confirm",
        now=now,
        actor=actor,
        object_type="orgs.user",
        object_id=actor.pk,
        object_label=actor.login_name,
        object_organisation_id=actor.organisation_id,
    )
    return True


def _holder(user_id: int, address: str) -> str:
    return f"{user_id}\0{address.casefold()}"
