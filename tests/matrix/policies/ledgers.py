"""The work ledgers: a work of 13's own ledger, and the rows of a file of its security officer."""

from __future__ import annotations

from typing import Any

from portal.orgs.permissions import Role
from tests.matrix.access import OK, READERS, READERS_OF_13, REFUSED, Access, Policy, access, at, to
from tests.matrix.world import World

LEDGER_READERS = READERS - at("maintenance")
_OWN_KEEPING = (Role.APPLICANT, Role.SECURITY_OFFICER, Role.SECURITY_MANAGER)
KEEPERS = {
    "central": at("central", Role.APPLICANT, Role.AUDIT_REVIEWER),
    "federation": at("13", *_OWN_KEEPING) | at("27", *_OWN_KEEPING),
}
KEEPERS_OF_13 = at("13", *_OWN_KEEPING)
READ_LEDGERS = access(to(LEDGER_READERS, OK), otherwise=REFUSED)
BRINGER = at("13", Role.SECURITY_OFFICER)


def _only(names: frozenset[str], status: int) -> Access:
    return access(to(names, status), otherwise=REFUSED)


def _of_13(names: frozenset[str], status: int) -> Access:
    """Who reads 13's works is refused, whoever reads other ledgers does not find them."""
    return access(to(names, status), to(READERS_OF_13, REFUSED), to(LEDGER_READERS, 404), otherwise=REFUSED)


def _mine(status: int) -> Access:
    return access(to(BRINGER, status), to(LEDGER_READERS, 404), otherwise=REFUSED)


def _work(world: World) -> dict[str, Any]:
    return {"pk": world.work.pk}


def _file(world: World) -> dict[str, Any]:
    return {"pk": world.work_file.pk}


POLICIES: dict[str, Policy] = {
    **{f"ledger_{name}_{page}": Policy(READ_LEDGERS) for name in KEEPERS for page in ("list", "print")},
    **{
        f"ledger_{name}_export": Policy(READ_LEDGERS, access(to(LEDGER_READERS, 422), otherwise=REFUSED))
        for name in KEEPERS
    },
    **{
        f"ledger_{name}_{page}": Policy(_only(keepers, OK), _only(keepers, 422))
        for name, keepers in KEEPERS.items()
        for page in ("new", "file")
    },
    **{f"ledger_{name}_template": Policy(_only(keepers, OK)) for name, keepers in KEEPERS.items()},
    "api_works": Policy(
        READ_LEDGERS,
        access(to(KEEPERS["central"] | KEEPERS["federation"], 400), otherwise=REFUSED),
    ),
    "api_work": Policy(_of_13(READERS_OF_13, OK), None, _work),
    "api_work_change": Policy(None, _of_13(KEEPERS_OF_13, 400), _work),
    "api_work_cancel": Policy(None, _of_13(KEEPERS_OF_13, 400), _work),
    "work_types": Policy(READ_LEDGERS, _only(at("central", Role.AUDIT_REVIEWER), 422)),
    "work_file": Policy(_mine(OK), _mine(409), _file),
    "work_file_errors": Policy(_mine(OK), kwargs=_file),
    "work": Policy(_of_13(READERS_OF_13, OK), _of_13(KEEPERS_OF_13, 422), _work),
    "work_change": Policy(_of_13(KEEPERS_OF_13, OK), _of_13(KEEPERS_OF_13, 422), _work),
}
