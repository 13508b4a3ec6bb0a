"""What each account kind reads once for all lines of an application (ApplicationKind.read_ahead and prepare)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from accounts import checks, lookups, recipients, together
from accounts.administrators import separation
from accounts.attributes import container_of
from accounts.payloads import RegisterAccount, ResetPassword
from portal.common.text import ascii_identifier
from portal.workflow.kinds import LineContext


def prepare_register(context: LineContext, payloads: Sequence[RegisterAccount]) -> None:
    """Reservations, register, recipients and AD for all registrations together."""
    names = {payload.login_name.lower() for payload in payloads}
    keys = {checks.reservation_of(payload) for payload in payloads}
    together.read_together(context.shared, checks.RESERVATIONS, keys, checks.reservations(context))
    together.read_together(context.shared, checks.REGISTERED, names, checks.registered)
    together.read_together(context.shared, checks.NOT_FREE, names, checks.not_free(context))
    together.fetch_login_names(context.shared, names)
    for account_type in {payload.account_type for payload in payloads}:
        container = container_of(context.organisation, account_type)
        namesakes = {payload.display_name for payload in payloads if payload.account_type == account_type}
        together.fetch_namesakes(context.shared, namesakes, container)
    read_recipients(context, {payload.recipient_id for payload in payloads})


def read_resets(context: LineContext, lines: Sequence[Mapping[str, Any]]) -> None:
    """The accounts that the lines name, before their forms look for them."""
    lookups.read_own_accounts(context, typed_login_names(lines))


def prepare_reset(context: LineContext, payloads: Sequence[ResetPassword]) -> None:
    """The accounts as AD holds them now, and the recipients."""
    guids = _guids(payload.account_guid for payload in payloads)
    together.fetch_accounts(context.shared, guids=guids)
    keys = [str(guid) for guid in guids]
    together.read_together(context.shared, separation.ADMINISTRATORS, keys, separation.administrators)
    read_recipients(context, {payload.recipient_id for payload in payloads})


def read_recipients(context: LineContext, recipient_ids: set[int]) -> None:
    """Who may receive an initial password, and whether AD knows one of the addresses as a mailing list."""
    usable = recipients.judge_together(context.organisation, recipient_ids)
    together.fetch_group_addresses(context.shared, {recipient.email for recipient in usable})


def typed_login_names(lines: Sequence[Mapping[str, Any]], field: str = "login_name") -> set[str]:
    """The login names of lines as they were typed, corrected as their form corrects them."""
    return {ascii_identifier(str(line.get(field) or "")) for line in lines} - {""}


def _guids(values: Any) -> set[UUID]:
    found = set()
    for value in values:
        try:
            found.add(UUID(value))
        except ValueError:
            continue  # a payload that was never checked: its plan says so
    return found
