"""What one line about a machine under a service says. JSON values only: the engine stores them as they are."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Action(TextChoices):
    """What shall happen to a machine."""

    ADD = "ADD", _("add")
    CHANGE = "CHANGE", _("change")
    REMOVE = "REMOVE", _("remove")


def key_of(name: str) -> str:
    """A name without width, case and spaces: two that differ in these only are one machine."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())[:80]


@dataclass(frozen=True, kw_only=True)
class ManagedLine:
    """What all lines share. `organisation` is the code of the applying one: its names are its own.

    In a removal everything but the name is empty.
    """

    action: str
    name: str
    organisation: str
    category: str = ""
    place: str = ""

    @property
    def key(self) -> str:
        """What the register finds the machine by."""
        return key_of(self.name)


@dataclass(frozen=True, kw_only=True)
class AntivirusLine(ManagedLine):
    """A machine that comes under the antivirus service or leaves it (REQ-07)."""

    operating_system: str = ""  # as people read it
    has_no_other: bool = False
    has_license: bool = False


@dataclass(frozen=True, kw_only=True)
class MonitoringLine(ManagedLine):
    """A server or network device whose monitoring begins, changes or ends (REQ-08).

    In a change the values are those afterwards.
    """

    address: str = ""
    items: list[str] = field(default_factory=list)
    settings: str = ""
