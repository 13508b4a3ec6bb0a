"""The columns of the register of devices: one row per device, with its newest permit."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from devices.permits.models import Device, DevicePermit
from portal.common import columns, tables
from portal.common.tables import Column, Table, link
from portal.common.templatetags.portal import short_date, status_chip
from portal.common.time import plain_moment


def _link(device: Device) -> Any:
    return link("device_detail", device.number, device.number)


def _what(device: Device) -> Any:
    return format_html(
        '<b>{} {}</b><span class="u-sub">{}</span>', device.maker, device.model, device.get_kind_display()
    )


def _of(device: Device, name: str) -> Any:
    """A value of the newest permit, "" without one."""
    permit: DevicePermit | None = device.permit
    return getattr(permit, name) if permit is not None else ""


def _state(device: Device) -> Any:
    permit = device.permit
    return status_chip(permit.state, permit.get_state_display()) if permit else ""


DEVICES: Table[Device] = tables.register(
    Table(
        name="devices",
        url_name="device_list",
        columns=(
            Column(
                name="number",
                label=_("Device number"),
                text=lambda d: d.number,
                cell=_link,
                reads=("number",),
            ),
            Column(
                name="device",
                label=_("Device"),
                text=lambda d: f"{d.maker} {d.model}",
                cell=_what,
                css="who",
                reads=("maker", "model", "kind"),
            ),
            Column(
                name="kind",
                label=_("Kind of device"),
                text=lambda d: d.get_kind_display(),
                default=False,
                reads=("kind",),
            ),
            Column(
                name="serial",
                label=_("Serial number"),
                text=lambda d: d.serial,
                css="u-mono",
                reads=("serial",),
            ),
            Column(
                name="no_serial_reason",
                label=_("Why there is no serial number"),
                text=lambda d: d.no_serial_reason,
                reads=("no_serial_reason",),
                default=False,
            ),
            columns.organisation(),
            Column(
                name="grant",
                label=_("Grant"),
                text=lambda d: d.permit.get_grant_display() if d.permit else "",
                reads=("permit__grant",),
            ),
            Column(
                name="end_user",
                label=_("User of the device"),
                text=lambda d: _of(d, "end_user"),
                reads=("permit__end_user",),
            ),
            Column(
                name="state",
                label=_("State"),
                text=lambda d: d.permit.get_state_display() if d.permit else "",
                cell=_state,
                reads=("permit__state",),
                css="st",
            ),
            Column(
                name="valid_until",
                label=_("Valid until"),
                text=lambda d: _of(d, "valid_until"),
                cell=lambda d: short_date(_of(d, "valid_until") or None),
                reads=("permit__valid_until",),
                css="u-num u-nowrap",
            ),
            *(
                Column(
                    name=name,
                    label=label,
                    text=lambda d, name=name: plain_moment(_of(d, name) or None),  # type: ignore[misc]
                    cell=lambda d, name=name: short_date(_of(d, name) or None),  # type: ignore[misc]
                    reads=(f"permit__{name}",),
                    default=False,
                    css="u-num u-nowrap",
                )
                for name, label in (
                    ("approved_at", _("Approved")),
                    ("registered_at", _("Registered in SKYSEA")),
                    ("removed_at", _("Removed from SKYSEA")),
                )
            ),
            Column(
                name="application",
                label=_("Last application"),
                text=lambda d: d.permit.last_line.application.number if d.permit else "",
                default=False,
                reads=("permit__last_line__application__number",),
                css="u-num u-nowrap",
            ),
        ),
    )
)
