"""The four forms of the list. The database writes the lines (COPY), this process only passes them on.

Whatever reaches a line is a token: MAC, IPv4, computer name, code, network (CHECK constraint listedpair_tokens). No free
text goes into a form that a guard reads, so no entry can become a rule such as DEFAULT, which would permit everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice

from django.db import connection
from psycopg import sql

from devices.guard.layout import Layout
from devices.guard.models import Mode
from portal.gateways.guard import Form
from portal.gateways.guard_nftables import ALLOWED, CHAIN, TABLE, mark
from portal.gateways.guard_radius import PROBE_NAME, canary, spelled

_ROWS_TOGETHER = 1_000
_JSON_LINE = """'{"mac":"' || listed.mac || '","ip":"' || host(listed.ip) || '","name":"' || listed.name || '","kind":"' || listed.kind
    || '","organisation":"' || organisation.code || '","segment":"' || listed.segment || '","valid_until":'
    || coalesce('"' || listed.valid_until || '"', 'null') || '}'"""
_RADIUS_LINE = """upper(replace(listed.mac, ':', '-')) || coalesce(E'\\n\\tTunnel-Type := VLAN,\\n\\tTunnel-Medium-Type := IEEE-802,'
    || E'\\n\\tTunnel-Private-Group-Id := "' || listed.vlan || '"', '') || E'\\n'"""
_NFTABLES_LINE = "listed.mac || ' . ' || host(listed.ip) || ','"


@dataclass(frozen=True, kw_only=True)
class Extract:
    """What is rendered: a version of the list, whole or for some organisations, as it is approved on `day`."""

    version: int
    mark: str = ""  # names the version for ever (JSON)
    day: date
    modes: Mapping[str, str]  # organisation code -> Mode
    organisations: tuple[int, ...] | None = None
    monitored_networks: Sequence[str] = ()
    uplinks: Sequence[str] = ()
    since: int | None = None  # only what changed after that version (JSON)
    layout: Layout = field(default_factory=Layout)


def render(form: Form, extract: Extract) -> Iterator[bytes]:
    """The file, in pieces."""
    return {Form.CSV: _csv, Form.JSON: _json, Form.RADIUS: _radius, Form.NFTABLES: _nftables}[form](extract)


def _csv(extract: Extract) -> Iterator[bytes]:
    """Through the mapping that operations keep."""
    layout = extract.layout
    columns = sql.SQL(", ").join(layout.expressions(extract.modes))
    options = sql.SQL("FORMAT csv, DELIMITER {}").format(sql.Literal(layout.delimiter))
    if layout.quote_all:
        options += sql.SQL(", FORCE_QUOTE *")
    yield layout.head()
    for block in _copy(_select(columns, _current(extract)), options):
        yield layout.encoded(block)


def _radius(extract: Extract) -> Iterator[bytes]:
    """An authorized file. Its canary only passes for the portal's own question, and says which version is in force."""
    yield f"# whitelist version {extract.version}\n".encode()
    own = spelled(canary(extract.version).mac)
    yield f'{own}\tNAS-Identifier == "{PROBE_NAME}"\n\n'.encode()
    for block in _copy(_select(sql.SQL(_RADIUS_LINE), _current(extract)), sql.SQL("FORMAT text")):
        yield block.replace(b"\\n", b"\n").replace(b"\\t", b"\t")


def _nftables(extract: Extract) -> Iterator[bytes]:
    """A set of pairs and the rules around it, as one transaction. The counters go on counting."""
    blocks = not extract.modes or Mode.BLOCK in extract.modes.values()
    table = f"bridge {TABLE}"
    yield f"""# whitelist version {extract.version}
add table {table}
add counter {table} observed
add counter {table} violations
add set {table} {ALLOWED} {{ type ether_addr . ipv4_addr; }}
add set {table} monitored {{ type ipv4_addr; flags interval; auto-merge; }}
add chain {table} {CHAIN} {{ type filter hook forward priority 0; policy accept; }}
flush chain {table} {CHAIN}
flush set {table} {ALLOWED}
flush set {table} monitored
""".encode()
    pairs = _copy(_select(sql.SQL(_NFTABLES_LINE), _current(extract)), sql.SQL("FORMAT text"))
    first = next(pairs, b"")
    if first:  # nft takes no empty list
        yield f"add element {table} {ALLOWED} {{\n".encode()
        yield first
        yield from pairs
        yield b"}\n"
    yield from (line.encode() for line in _rules(table, extract, blocks=blocks))


def _rules(table: str, extract: Extract, *, blocks: bool) -> Iterator[str]:
    """What comes from the way up passes; pairs of the list pass; watched segments are counted; the rest is cut."""
    rule = f"add rule {table} {CHAIN}"
    if extract.uplinks:
        names = ", ".join(f'"{name}"' for name in extract.uplinks)
        yield f"{rule} iifname {{ {names} }} accept\n"
    yield f"{rule} ether type arp ether saddr . arp saddr ip @{ALLOWED} accept\n"
    yield f"{rule} ether type ip ether saddr . ip saddr @{ALLOWED} accept\n"
    if extract.monitored_networks and blocks:
        yield f"add element {table} monitored {{ {', '.join(extract.monitored_networks)} }}\n"
        yield f"{rule} ether type arp arp saddr ip @monitored counter name observed accept\n"
        yield f"{rule} ether type ip ip saddr @monitored counter name observed accept\n"
    last = "counter name violations drop" if blocks else "counter name observed accept"
    yield f'{rule} {last} comment "{mark(extract.version)}"\n'


def _json(extract: Extract) -> Iterator[bytes]:
    """For whoever pulls: the whole list, or what was added and removed since a version (removals are to go first)."""
    modes = ",".join(f'"{code}":"{mode}"' for code, mode in sorted(extract.modes.items()))
    head = f'{{"version":{extract.version},"mark":"{extract.mark}","modes":{{{modes}}},'
    if extract.since is None:
        yield f'{head}"entries":[\n'.encode()
        yield from _json_lines(_current(extract))
    else:
        yield f'{head}"since":{extract.since},"removed":[\n'.encode()
        yield from _json_lines(_removed(extract))
        yield b'],"added":[\n'
        added = sql.SQL(" AND listed.listed_in_id > {}").format(sql.Literal(extract.since))
        yield from _json_lines(_current(extract) + added)
    yield b"]}\n"


def _json_lines(rows: sql.Composed) -> Iterator[bytes]:
    """Comma before each line but the first."""
    first = True
    for block in _copy(_select(sql.SQL("',' || " + _JSON_LINE), rows), sql.SQL("FORMAT text")):
        yield block[1:] if first else block
        first = False


def _current(extract: Extract) -> sql.Composed:
    """The condition of the list in a version, without what ended since then."""
    return sql.SQL(
        """listed.listed_in_id <= {version} AND (listed.unlisted_in_id IS NULL OR listed.unlisted_in_id > {version})
        AND (listed.valid_until IS NULL OR listed.valid_until >= {day})
        AND NOT EXISTS (SELECT 1 FROM devices_pendingremoval pending WHERE pending.entry_id = listed.entry_id)"""
    ).format(version=sql.Literal(extract.version), day=sql.Literal(extract.day)) + _of(extract.organisations)


def _removed(extract: Extract) -> sql.Composed:
    return sql.SQL(
        "listed.listed_in_id <= {since} AND listed.unlisted_in_id > {since} AND listed.unlisted_in_id <= {version}"
    ).format(since=sql.Literal(extract.since), version=sql.Literal(extract.version)) + _of(
        extract.organisations
    )


def _of(organisations: Iterable[int] | None) -> sql.Composed:
    if organisations is None:
        return sql.Composed([])
    return sql.SQL(" AND listed.organisation_id = ANY({})").format(sql.Literal(list(organisations)))


def _select(columns: sql.Composable, condition: sql.Composed) -> sql.Composed:
    return sql.SQL(
        "SELECT {} FROM devices_listedpair listed JOIN orgs_organisation organisation"
        " ON organisation.id = listed.organisation_id WHERE {} ORDER BY listed.id"
    ).format(columns, condition)


def _copy(query: sql.Composed, options: sql.Composable) -> Iterator[bytes]:
    """The lines as the database writes them, many together."""
    statement = sql.SQL("COPY ({}) TO STDOUT WITH ({})").format(query, options)
    with connection.cursor() as cursor, cursor.cursor.copy(statement) as copy:
        rows = iter(copy)
        while block := b"".join(islice(rows, _ROWS_TOGETHER)):
            yield block
