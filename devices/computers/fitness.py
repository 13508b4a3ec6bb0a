"""Whether devices can be attached to a machine at all (DEV-11). The wording is that of CNS ③(e)."""

from __future__ import annotations

from datetime import date

from django.utils.translation import gettext as _

from devices.reference import BusinessSystem, ComputerKind, OperatingSystem


def unfit_reason(
    *,
    kind: ComputerKind,
    system: OperatingSystem | None,
    business: BusinessSystem,
    has_own_skysea: bool,
    day: date,
) -> str:
    """Why device control does not cover such a machine on that day; "" when it does."""
    if not kind.takes_devices:
        return _("%(kind)s: device control does not cover it (CNS ③(e)).") % {"kind": kind.name}
    if system is None or not system.takes_devices or not system.is_valid_on(day):
        name = system.name if system else _("(none)")
        return _("%(system)s is not a system that device control supports (CNS ③(e)).") % {"system": name}
    if business.is_own and has_own_skysea:
        return _("The federation's own system has a SKYSEA of its own: handle its devices there (CNS ③(e)).")
    return ""
