"""The objects of the demo directory: in memory with indexes, on disk as a journal of whole objects.

Every change of one object is one line of the journal, written before the answer goes out, so that a killed
server forgets nothing it has confirmed. Passwords are in it as salted hashes only.
"""

from __future__ import annotations

import base64
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from portal.embedded.directory import names
from portal.embedded.directory.filters import Comparable, Filter, comparable

_INDEXED = frozenset(
    {"samaccountname", "userprincipalname", "employeenumber", "displayname", "mail", "proxyaddresses"}
)


@dataclass(frozen=True)
class Entry:
    """One object. Never changed in place: `Store.put` replaces it by a changed copy."""

    guid: UUID
    dn: str
    values: dict[str, list[bytes]]
    """By lower-case attribute name. `member` holds GUIDs, so that it follows renamed members."""
    passwords: tuple[str, ...] = field(default=(), repr=False)
    """Hashes, the newest first."""

    def changed(self, **changes: Any) -> Entry:
        copied = {name: list(values) for name, values in self.values.items()}
        return replace(self, **{"values": copied, **changes})

    def first(self, name: str) -> bytes:
        values = self.values.get(name)
        return values[0] if values else b""

    def text(self, name: str) -> str:
        return self.first(name).decode("utf-8", "replace")

    def number(self, name: str) -> int:
        try:
            return int(self.first(name) or 0)
        except ValueError:
            return 0

    def is_a(self, object_class: str) -> bool:
        return object_class.encode() in [value.lower() for value in self.values.get("objectclass", [])]

    @property
    def key(self) -> str:
        return names.key(self.dn)

    @property
    def deleted(self) -> bool:
        return self.first("isdeleted") == b"TRUE"


class Store:
    """All objects. The caller holds a lock: nothing here is safe for threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._journal: IO[str] | None = None
        self.entries: dict[UUID, Entry] = {}
        self.usn = 0
        self._by_key: dict[str, UUID] = {}
        self._children: dict[str, set[UUID]] = defaultdict(set)
        self._index: dict[tuple[str, Comparable], set[UUID]] = defaultdict(set)
        self._groups: dict[UUID, set[UUID]] = defaultdict(set)
        self._settings: set[UUID] = set()

    def open(self) -> None:
        """Read the journal; a line that a crash cut short ends it. Then write a compact one."""
        lines = 0
        if self._path.exists():
            with self._path.open(encoding="utf-8") as journal:
                for line in journal:
                    try:
                        self._place(_from_json(json.loads(line)))
                    except ValueError:
                        break
                    lines += 1
        self.usn = max((entry.number("usnchanged") for entry in self.entries.values()), default=1000)
        self._compact()

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def put(self, *entries: Entry) -> None:
        """Add or replace the objects, each with the next update number, together."""
        lines = []
        for entry in entries:
            self.usn += 1
            entry.values["usnchanged"] = [str(self.usn).encode()]
            entry.values["whenchanged"] = [generalized_now()]
            entry.values.setdefault("usncreated", entry.values["usnchanged"])
            entry.values.setdefault("whencreated", entry.values["whenchanged"])
            lines.append(json.dumps(_to_json(entry), ensure_ascii=False))
        for entry in entries:
            self._remove_from_indexes(entry.guid)
        for entry in entries:
            self._place(entry)
        if self._journal is not None:
            self._journal.write("\n".join(lines) + "\n")
            self._journal.flush()

    def by_dn(self, dn: str) -> Entry | None:
        """The object of this DN, also in its <GUID=...> form; None when there is none or the DN is malformed."""
        guid = names.guid_of(dn)
        if guid is None:
            try:
                guid = self._by_key.get(names.key(dn))
            except ValueError:
                return None
        return self.entries.get(guid) if guid is not None else None

    def equal(self, attribute: str, value: str) -> Iterator[Entry]:
        """The objects that have this value of an indexed attribute."""
        for guid in self._index.get((attribute, comparable(attribute, value.encode())), ()):
            yield self.entries[guid]

    def children(self, dn: str) -> list[Entry]:
        return [self.entries[guid] for guid in self._children.get(names.key(dn), ())]

    def subtree(self, dn: str) -> list[Entry]:
        """The object and all below it."""
        key = names.key(dn)
        return [
            entry for entry in self.entries.values() if entry.key == key or names.is_below(entry.key, key)
        ]

    def groups_of(self, guid: UUID) -> list[Entry]:
        return [self.entries[group] for group in self._groups.get(guid, ())]

    def password_settings(self) -> list[Entry]:
        """All PSOs: few, and asked for whenever an account's policy is."""
        return [self.entries[guid] for guid in self._settings]

    def candidates(self, query: Filter) -> Iterable[Entry] | None:
        """A superset of the matches through an index; None when the filter needs a scan."""
        if query.kind == "equal" and query.attribute == "objectguid" and len(query.value) == 16:
            entry = self.entries.get(UUID(bytes_le=query.value))
            return [entry] if entry is not None else []
        if query.kind == "equal" and query.attribute == "distinguishedname":
            entry = self.by_dn(query.value.decode("utf-8", "replace"))
            return [entry] if entry is not None else []
        if query.kind == "equal" and (query.attribute in _INDEXED or query.attribute == "name"):
            found = self._index.get((query.attribute, comparable(query.attribute, query.value)), set())
            return [self.entries[guid] for guid in found]
        if query.kind == "and":
            return next((c for part in query.parts if (c := self.candidates(part)) is not None), None)
        if query.kind == "or":
            parts = [self.candidates(part) for part in query.parts]
            if all(part is not None for part in parts):
                return {entry.guid: entry for part in parts for entry in part or ()}.values()
        return None

    def _place(self, entry: Entry) -> None:
        if entry.guid in self.entries:
            self._remove_from_indexes(entry.guid)
        self.entries[entry.guid] = entry
        self._by_key[entry.key] = entry.guid
        self._children[parent_key(entry)].add(entry.guid)
        for slot in _index_slots(entry):
            self._index[slot].add(entry.guid)
        for member in entry.values.get("member", []):
            self._groups[UUID(member.decode())].add(entry.guid)
        if entry.is_a("msds-passwordsettings") and not entry.deleted:
            self._settings.add(entry.guid)

    def _remove_from_indexes(self, guid: UUID) -> None:
        entry = self.entries.get(guid)
        if entry is None:
            return
        if self._by_key.get(entry.key) == guid:
            del self._by_key[entry.key]
        self._children[parent_key(entry)].discard(guid)
        for slot in _index_slots(entry):
            self._index[slot].discard(guid)
        for member in entry.values.get("member", []):
            self._groups[UUID(member.decode())].discard(guid)
        self._settings.discard(guid)

    def _compact(self) -> None:
        temporary = self._path.with_suffix(".new")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "w", encoding="utf-8", opener=_private) as journal:
            for entry in self.entries.values():
                journal.write(json.dumps(_to_json(entry), ensure_ascii=False) + "\n")
        temporary.replace(self._path)
        self._journal = open(self._path, "a", encoding="utf-8")  # noqa: SIM115 (kept open until close)


def generalized_now() -> bytes:
    return datetime.now(UTC).strftime("%Y%m%d%H%M%S.0Z").encode()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def parent_key(entry: Entry) -> str:
    """The key of the object that holds this one."""
    return entry.key.partition(",")[2] if "\\," not in entry.key else names.key(names.parent(entry.dn))


def _index_slots(entry: Entry) -> Iterator[tuple[str, Comparable]]:
    yield "name", comparable("name", names.parse_rdn(names.first(entry.dn))[1].encode())
    for attribute in _INDEXED & entry.values.keys():
        for value in entry.values[attribute]:
            yield attribute, comparable(attribute, value)


def _to_json(entry: Entry) -> dict[str, Any]:
    def plain(value: bytes) -> str | list[str]:
        try:
            return value.decode()
        except UnicodeDecodeError:
            return [base64.b64encode(value).decode()]

    values = {name: [plain(value) for value in found] for name, found in entry.values.items()}
    return {"guid": str(entry.guid), "dn": entry.dn, "values": values, "passwords": entry.passwords}


def _from_json(record: dict[str, Any]) -> Entry:
    def raw(value: str | list[str]) -> bytes:
        return value.encode() if isinstance(value, str) else base64.b64decode(value[0])

    values = {name: [raw(value) for value in found] for name, found in record["values"].items()}
    return Entry(UUID(record["guid"]), record["dn"], values, tuple(record["passwords"]))
