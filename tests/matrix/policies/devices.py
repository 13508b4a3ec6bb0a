"""Machines, devices and their lists."""

from __future__ import annotations

from typing import Any

from portal.orgs.permissions import Role
from tests.matrix.access import (
    FOLLOWERS,
    FOUND,
    HIDDEN,
    OFFICER,
    OK,
    OPERATOR,
    READ_13,
    READ_LIST,
    READ_OPERATIONS,
    READERS,
    REFUSED,
    Policy,
    access,
    acting_for_13,
    at,
    by_operator,
    to,
)
from tests.matrix.world import EVERYBODY, World

RECORDERS = frozenset(name for name in EVERYBODY if name.endswith(":SECURITY_OFFICER"))
MANAGERS = frozenset(name for name in EVERYBODY if name.endswith(":SECURITY_MANAGER"))


def device(world: World) -> dict[str, Any]:
    """13's device that waits for its registration."""
    return {"number": world.permit.device.number}


POLICIES: dict[str, Policy] = {
    "computer_list": Policy(READ_LIST),
    "computer_export": Policy(READ_LIST),
    "computer_print": Policy(READ_LIST),
    "computer_detail": Policy(READ_13, None, lambda w: {"uid": w.computer.uid}),
    "device_list": Policy(READ_LIST),
    "device_export": Policy(READ_LIST),
    "device_print": Policy(READ_LIST),
    "device_detail": Policy(READ_13, None, device),
    "registration_list": Policy(access(to(RECORDERS | FOLLOWERS, OK), otherwise=REFUSED)),
    "registration_record": Policy(
        access(to(OFFICER, OK), to(FOLLOWERS, REFUSED), to(RECORDERS, HIDDEN), otherwise=REFUSED),
        access(to(OFFICER, FOUND), to(FOLLOWERS, REFUSED), to(RECORDERS, HIDDEN), otherwise=REFUSED),
        device,
    ),
    "skysea_home": Policy(access(to(RECORDERS | FOLLOWERS, OK), otherwise=REFUSED)),
    "skysea_orders": Policy(None, access(to(RECORDERS, FOUND), to(OPERATOR, 422), otherwise=REFUSED)),
    "skysea_order_file": Policy(
        access(to(OFFICER | FOLLOWERS, OK), to(RECORDERS, HIDDEN), otherwise=REFUSED),
        None,
        lambda w: {"pk": w.orders.pk},
    ),
    "skysea_import": Policy(None, access(to(RECORDERS | OPERATOR, 422), otherwise=REFUSED)),
    "skysea_import_detail": Policy(
        access(to(OFFICER | FOLLOWERS, OK), to(RECORDERS, HIDDEN), otherwise=REFUSED),
        None,
        lambda w: {"pk": w.skysea.first_import_id},
    ),
    "skysea_mapping": Policy(by_operator(OK), by_operator(422)),
    "skysea_findings": Policy(READ_LIST),
    "skysea_findings_export": Policy(READ_LIST),
    "skysea_findings_print": Policy(READ_LIST),
    "skysea_finding": Policy(
        READ_13,
        acting_for_13(OFFICER, FOUND),
        lambda w: {"pk": w.skysea.pk},
        lambda w: {"digest": w.skysea.digest, "answer": "CORRECTED"},
    ),
    "alert_list": Policy(READ_LIST),
    "alert_export": Policy(READ_LIST),
    "alert_print": Policy(READ_LIST),
    "alert_figures": Policy(READ_LIST),
    "alert_import": Policy(
        access(to(RECORDERS | FOLLOWERS, OK), otherwise=REFUSED),
        access(to(RECORDERS | OPERATOR, 422), otherwise=REFUSED),
    ),
    "alert_open": Policy(
        access(to(RECORDERS | MANAGERS, OK), otherwise=REFUSED),
        access(to(RECORDERS | MANAGERS, 422), otherwise=REFUSED),
    ),
    "alert_detail": Policy(
        READ_13,
        acting_for_13(OFFICER | at("13", Role.SECURITY_MANAGER), FOUND),
        lambda w: {"pk": w.alert.pk},
        lambda w: {"alert": w.alert.choice, "answer": "INSTRUCTED", "reason": "himitsu"},
    ),
    "station_list": Policy(READ_LIST, access(to(RECORDERS, 422), otherwise=REFUSED)),
    "station_export": Policy(READ_LIST),
    "station_print": Policy(READ_LIST),
    "station_end": Policy(
        acting_for_13(OFFICER, OK),
        acting_for_13(OFFICER, FOUND),
        lambda w: {"pk": w.station.pk},
        lambda w: {"reason": "himitsu"},
    ),
    "choice_list": Policy(READ_LIST, by_operator(422)),
    "choice_end": Policy(by_operator(OK), by_operator(422), lambda w: {"of": "systems", "code": "other"}),
    "quarantine_list": Policy(READ_LIST),
    "quarantine_export": Policy(READ_LIST),
    "quarantine_print": Policy(READ_LIST),
    "quarantine_imports": Policy(READ_OPERATIONS, by_operator(422)),
    "quarantine_import": Policy(READ_OPERATIONS, None, lambda w: {"pk": w.quarantine_import.pk}),
    "quarantine_mapping": Policy(READ_OPERATIONS, by_operator(422)),
    "whitelist_list": Policy(READ_LIST),
    "whitelist_export": Policy(READ_LIST),
    "whitelist_print": Policy(READ_LIST),
    "whitelist_holders": Policy(READ_LIST),
    "whitelist_entry": Policy(READ_13, None, lambda w: {"uid": w.whitelist_entry.uid}),
    "local_address_list": Policy(READ_LIST, by_operator(422)),
    "local_address_end": Policy(None, acting_for_13(OPERATOR, FOUND), lambda w: {"pk": w.local_address.pk}),
    "segment_list": Policy(READ_LIST, by_operator(422)),
    "segment_change": Policy(
        acting_for_13(OPERATOR, OK), acting_for_13(OPERATOR, 422), lambda w: {"pk": w.segment.pk}
    ),
    "segment_end": Policy(
        acting_for_13(OPERATOR, OK), acting_for_13(OPERATOR, FOUND), lambda w: {"pk": w.segment.pk}
    ),
    "guard_list": Policy(READ_OPERATIONS),
    "guard_publish": Policy(None, by_operator(FOUND)),
    "guard_release": Policy(None, by_operator(FOUND)),
    "guard_file": Policy(READ_OPERATIONS, None, lambda w: {"form": "radius"}),
    "guard_modes": Policy(READ_OPERATIONS, by_operator(422)),
    "guard_mapping": Policy(by_operator(OK), by_operator(422)),
    "api_alerts": Policy(READ_LIST),
    "api_alert_files": Policy(None, access(to(RECORDERS | OPERATOR, 415), otherwise=REFUSED)),
    "api_alert_answer": Policy(
        None,
        acting_for_13(at("13", Role.SECURITY_OFFICER, Role.SECURITY_MANAGER), OK),
        lambda w: {"pk": w.alert.pk},
        lambda w: {"version": w.alert.version, "answer": "INSTRUCTED", "reason": "himitsu"},
    ),
    "api_stations": Policy(READ_LIST),
    "api_skysea_findings": Policy(READ_LIST),
    "api_skysea_answer": Policy(
        None,
        acting_for_13(OFFICER, OK),
        lambda w: {"pk": w.skysea.pk},
        lambda w: {"digest": w.skysea.digest, "answer": "CORRECTED"},
    ),
    "api_devices": Policy(READ_LIST),
    "api_device_registered": Policy(
        None, acting_for_13(OFFICER, OK), lambda w: {"device": w.permit.device.number}
    ),
    "api_device_removed": Policy(
        None, acting_for_13(OFFICER, 409), lambda w: {"device": w.permit.device.number}
    ),
    "api_computers": Policy(READ_LIST),
    "api_quarantine": Policy(READ_LIST),
    "api_quarantine_files": Policy(None, by_operator(415)),
    "api_whitelist_entries": Policy(READ_LIST),
    "api_whitelist_holders": Policy(access(to(READERS, 400), otherwise=REFUSED)),  # no address was given
    "api_whitelist": Policy(READ_LIST),
    "api_whitelist_check": Policy(access(to(READERS, 400), otherwise=REFUSED)),  # no address was given
    "api_guards": Policy(READ_OPERATIONS),
    "api_guard_modes": Policy(READ_OPERATIONS, by_operator(400)),
    "api_segments": Policy(READ_LIST),
}
