"""What each account kind reads once for all lines of an application (ApplicationKind.read_ahead and prepare)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from accounts import checks, life_checks, lookups, recipients, together
from accounts.administrators import separation
from accounts.attributes import container_of
from accounts.payloads import ChangeAccount, RegisterAccount, ResetPassword
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


def read_existing(account_type: str) -> Callable[[LineContext, Sequence[Mapping[str, Any]]], None]:
    """The accounts of the register that the lines name, before their forms look for them."""

    def read(context: LineContext, lines: Sequence[Mapping[str, Any]]) -> None:
        names = {name.lower() for name in typed_login_names(lines)}
        shared = together.of(context.organisation)
        reader = life_checks.by_name(context.organisation, account_type)
        together.read_together(shared, f"{life_checks.BY_NAME}.{account_type}", names, reader)

    return read


def prepare_existing(context: LineContext, payloads: Sequence[life_checks.Payload]) -> None:
    """The accounts in the register and in AD, other applications about them, and the names that they shall get."""
    shared, guids = together.of(context.organisation), _guids(payload.account_guid for payload in payloads)
    texts = {str(guid) for guid in guids}
    together.begin(shared)
    together.read_together(shared, life_checks.BY_GUID, texts, life_checks.by_guid(context.organisation))
    together.read_together(context.shared, life_checks.OPEN_LINES, texts, life_checks.open_lines(context))
    together.fetch_accounts(shared, guids=guids)
    names = {p.new_login_name.lower() for p in payloads if isinstance(p, ChangeAccount) and p.new_login_name}
    keys = {f"login:{name}" for name in names}
    together.read_together(context.shared, checks.RESERVATIONS, keys, checks.reservations(context))
    together.read_together(context.shared, checks.REGISTERED, names, checks.registered)
    together.read_together(context.shared, checks.NOT_FREE, names, checks.not_free(context))
    together.fetch_login_names(shared, names)


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
