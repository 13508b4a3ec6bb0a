"""What an application says about one device. JSON values only: the engine stores them as they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, kw_only=True)
class PermitDevice:
    """A device that shall be used on these machines until that day (DEV-01)."""

    device_kind: str  # DeviceKind
    grant: str  # Grant
    maker: str
    model: str
    serial: str = ""  # "" only with no_serial_reason
    no_serial_reason: str = ""
    computers: list[str]
    end_user: str
    end_user_mail: str = ""
    write_reason: str = ""
    valid_until: str  # ISO

    @property
    def last_day(self) -> date:
        """The last day on which the device may be used."""
        return date.fromisoformat(self.valid_until)

    @property
    def label(self) -> str:
        """The device in a few words."""
        return f"{self.maker} {self.model} {self.serial}".strip()


@dataclass(frozen=True, kw_only=True)
class NamedDevice:
    """A device of the register, by its number; `label` is for people."""

    number: str
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class RenewPermit(NamedDevice):
    """A permit that shall last longer."""

    valid_until: str  # ISO

    @property
    def last_day(self) -> date:
        """The new last day."""
        return date.fromisoformat(self.valid_until)


@dataclass(frozen=True, kw_only=True)
class RemovePermit(NamedDevice):
    """A permit that is no longer needed (DEV-06)."""
