"""DNS records, zones and the way back from a ticket."""

from __future__ import annotations

from tests.matrix.access import (
    FOUND,
    OK,
    OPERATOR,
    OWNER,
    READ_LIST,
    READERS_OF_13,
    REFUSED,
    Policy,
    access,
    acting_for_13,
    by_operator,
    to,
)

POLICIES: dict[str, Policy] = {
    "dns_record_list": Policy(READ_LIST),
    "dns_record_export": Policy(READ_LIST),
    "dns_record_print": Policy(READ_LIST),
    "dns_zone_list": Policy(READ_LIST, by_operator(422)),
    "dns_zone": Policy(
        acting_for_13(OPERATOR, OK),
        acting_for_13(OPERATOR, FOUND),
        lambda w: {"pk": w.zone.pk},
        lambda w: {"step": "close"},
    ),
    "dns_rollback": Policy(
        access(to(OWNER, OK), to(READERS_OF_13, REFUSED)),
        access(to(OWNER, FOUND), to(READERS_OF_13, REFUSED)),
        lambda w: {"number": w.dns_ticket.number},
    ),
    "api_dns_zones": Policy(READ_LIST),
    "api_dns_records": Policy(READ_LIST),
}
