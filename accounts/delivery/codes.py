"""Codes to pick up an initial password: eight characters, kept as a keyed digest, bound to one operation and account."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.delivery.models import DeliveryMode, InitialPassword
from portal.common.upsert import upsert
from portal.fulfilment.models import Operation
from portal.gateways.directory import DirectoryEntry
from portal.orgs.models import PasswordRecipient

_GLYPHS = "ACDEFGHJKLMNPQRTUVWXY3479"  # none that looks like another: 37 bits, a few wrong entries end it
LENGTH = 8


def draw_code(
    operation: Operation, entry: DirectoryEntry, recipient: PasswordRecipient, now: datetime
) -> str:
    """A new code for this operation, to be mailed and forgotten; an earlier one of it is void (ACC-10)."""
    code = "".join(secrets.choice(_GLYPHS) for _ in range(LENGTH))
    write(
        operation,
        entry,
        recipient,
        DeliveryMode.PICKUP,
        now,
        code_digest=digest(operation, code),
        code_ends_at=now + timedelta(days=int(settings.PICKUP_CODE_DAYS)),
        wrong_codes=0,
    )
    return code


def matches(password: InitialPassword, typed: str) -> bool:
    """Whether this is the code. Typed with or without the hyphen, in any case."""
    return constant_time_compare(password.code_digest, digest(password.operation, typed))


def digest(operation: Operation, code: str) -> str:
    """Keyed, so that whoever holds the database alone cannot try out all codes."""
    value = f"{operation.marker}\0{code}"
    return salted_hmac("accounts.delivery.codes", value, algorithm="sha256").hexdigest()


def write(
    operation: Operation,
    entry: DirectoryEntry,
    recipient: PasswordRecipient | None,
    mode: str,
    now: datetime,
    **values: Any,
) -> None:
    """Enter or renew the row of an operation; safe to repeat."""
    fixed = {
        "organisation_id": operation.organisation_id,
        "application_number": operation.application_number,
        "account_guid": entry.guid,
        "login_name": entry.login_name,
        "recipient": recipient,
        "mode": mode,
    }
    upsert(
        InitialPassword.system,
        key={"operation": operation},
        values={**fixed, **values},
        first={"made_at": now},
    )


def show(code: str) -> str:
    """As it stands in the mail: two groups of four."""
    return f"{code[:4]}-{code[4:]}"
