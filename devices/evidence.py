"""What this app gives to the evidence log (SEC-02)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.trail.sources import register_source


def register() -> None:
    """Called once at start."""
    register_source(
        name="devices.computer_event",
        label=_("history of machines"),
        table="devices_computerevent",
        columns="id computer_id organisation_id at verb application_number changes",
    )
    register_source(
        name="devices.device_event",
        label=_("history of devices"),
        table="devices_deviceevent",
        columns="id device_id permit_id organisation_id at actor_id actor_name verb application_number changes note",
    )
    register_source(
        name="devices.alert_event",
        label=_("answers to device alerts"),
        table="devices_alertevent",
        columns="id alert_id organisation_id at actor_id actor_name answer reason",
    )
    register_source(
        name="devices.quarantine_event",
        label=_("results of the PC quarantine"),
        table="devices_quarantineevent",
        columns="id computer_id organisation_id at result failed from_import_id",
    )
    register_source(
        name="devices.quarantine_mapping",
        label=_("mappings of the quarantine file"),
        table="devices_quarantinemapping",
        columns="id definition made_by_id made_at",
    )
    register_source(
        name="devices.skysea_mapping",
        label=_("mappings of SKYSEA files"),
        table="devices_skyseamapping",
        columns="id definition made_by_id made_at",
    )
    register_source(
        name="devices.whitelist_event",
        label=_("history of the whitelist"),
        table="devices_whitelistevent",
        columns="id entry_id organisation_id at verb mac ip computer_name actor_id actor_name application_number note",
    )
    register_source(
        name="devices.whitelist_version",
        label=_("versions of the whitelist"),
        table="devices_whitelistversion",
        columns="number made_at added removed total modes modes_changed",
        key="number",
    )
    register_source(
        name="devices.publication",
        label=_("publications of the whitelist"),
        table="devices_publication",
        columns="id guard version_id at outcome step detail milliseconds row_count sha256",
    )
    register_source(
        name="devices.mode_decision",
        label=_("modes of the guard"),
        table="devices_modedecision",
        columns="id organisation_id mode valid_from reason decided_by_id decided_at",
    )
    register_source(
        name="devices.export_mapping",
        label=_("mappings of the whitelist file"),
        table="devices_exportmapping",
        columns="id definition made_by_id made_at",
    )
