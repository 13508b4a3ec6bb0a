"""What was read back, in words: handlers record names and values, people read sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.common.time import plain_moment

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?[+-]\d\d:\d\d", re.ASCII)
_names: dict[str, Any] = {}


def name_facts(**labels: Any) -> None:
    """Give values that a room's handlers record the names that people know them by (lazy translations)."""
    _names.update(labels)


name_facts(
    object_guid=gettext_lazy("Object in AD (objectGUID)"),
    distinguished_name=gettext_lazy("Place in AD"),
    login_name=gettext_lazy("Login name"),
    enabled=gettext_lazy("Enabled"),
    values=gettext_lazy("Values read back"),
    outcome=gettext_lazy("Result"),
    state=gettext_lazy("State"),
    before=gettext_lazy("Before"),
    after=gettext_lazy("After"),
    remove_on=gettext_lazy("To be removed on"),
    removed_by_hand=gettext_lazy("Removed by hand before"),
    groups_gone=gettext_lazy("Groups that do not exist any more"),
    marker=gettext_lazy("Mark of the portal"),
    answers=gettext_lazy("Answers of the DNS servers"),
    server=gettext_lazy("Server"),
    name=gettext_lazy("Name"),
    type=gettext_lazy("Type"),
    found=gettext_lazy("Held"),
    serial=gettext_lazy("Serial number"),
    mac=gettext_lazy("MAC address"),
    ip=gettext_lazy("IP address"),
    valid_until=gettext_lazy("Valid until"),
    permitted=gettext_lazy("Permitted on"),
    registered_at=gettext_lazy("Registered at"),
    computer=gettext_lazy("Computer"),
    written=gettext_lazy("Entered"),
    entry=gettext_lazy("Entry of the register"),
    batch=gettext_lazy("Batch number"),
    batch_file=gettext_lazy("File of the batch"),
    row=gettext_lazy("Row"),
    row_sha256=gettext_lazy("Digest of the row (SHA-256)"),
    reference=gettext_lazy("Reference"),
    acknowledgement=gettext_lazy("Acknowledgement"),
    acknowledged_at=gettext_lazy("Acknowledged"),
    external_id=gettext_lazy("Identifier"),
    user_name=gettext_lazy("User name"),
    active=gettext_lazy("Active"),
    present=gettext_lazy("Present"),
    files=gettext_lazy("Files that show it"),
    sha256=gettext_lazy("Digest (SHA-256)"),
    verified_by=gettext_lazy("Verified by"),
)


def facts(evidence: dict[str, Any]) -> list[tuple[str, str]]:
    """Label and text of each value that says something."""
    return [(_name(name), text) for name, value in evidence.items() if (text := _text(value))]


def _name(name: str) -> str:
    return str(_names.get(name, name))


def _text(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, dict):
        return _("; ").join(_pairs(value))
    if isinstance(value, list):
        separator = "\n" if any(isinstance(item, dict) for item in value) else _(", ")
        return separator.join(filter(None, map(_text, value)))
    return plain_moment(datetime.fromisoformat(value)) if _is_moment(value) else str(value)


def _is_moment(value: Any) -> bool:
    """Whether a handler recorded a moment; a person reads it as the clock on the wall shows it."""
    return isinstance(value, str) and _MOMENT.fullmatch(value) is not None


def _pairs(value: dict[str, Any]) -> Iterator[str]:
    for name, inner in value.items():
        if text := _text(inner):
            yield f"{_name(name)} {text}"
