"""A file of works: read, corrected row by row, taken over whole or row by row (AUD-03, AUD-05).

The table is read by portal.workflow.bulk, each row is checked by the form of the screen and by the service's own rules.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from audit.ledgers import selectors, services
from audit.ledgers.forms import WorkForm
from audit.ledgers.models import Ledger, WorkEntry, WorkImport
from audit.ledgers.types import KnownTypes
from audit.reconciliation.names import account_key, name_key
from portal.common.text import without_control_characters
from portal.common.time import today
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS, WRITE_CENTRAL_LEDGER, WRITE_FEDERATION_LEDGER
from portal.trail import services as trail
from portal.workflow.bulk.columns import Column, chosen, columns_of_form, shown
from portal.workflow.bulk.tables import read_table
from portal.workflow.content import text_problem
from requests.enquiries.errors import ChangedMeanwhile, NotAllowed, Refused

MOST_ROWS = 500
_CELL_LENGTH = 2000
State = WorkImport.State


class AlreadyBrought(Exception):
    """The same file was read before and not discarded."""

    def __init__(self, earlier: WorkImport) -> None:
        super().__init__(earlier.sha256)
        self.earlier = earlier


class Checker:
    """Judges rows of one ledger for one person: the form is built once, the neighbours are read once."""

    def __init__(self, ledger: str, actor: User, now: datetime) -> None:
        self.ledger, self.actor, self.now = ledger, actor, now
        self.known = KnownTypes()
        self.places = places_of(ledger, actor)
        self.form = WorkForm(organisations=self.places, types=self.known.offered(today(now)))

    @cached_property
    def columns(self) -> list[Column]:
        """The columns of the file."""
        return columns_of_form(self.form, proposed=("work_number",))

    def filled(self, row: Mapping[str, Any]) -> WorkForm:
        """The form of one row, judged."""
        form = self.form.with_data(row["v"])
        if form.is_valid():
            try:
                services.check(form.values(), self.known, self.now)
            except Refused as refused:
                form.refuse(refused)
        for name, said in row.get("p", {}).items():
            form.add_error(name, said)
        return form

    def check(self, rows: Sequence[dict[str, Any]]) -> None:
        """Note in every row that was not taken over what is wrong (e), what to look at (w) and what was corrected (c)."""
        forms = {n: self.filled(row) for n, row in enumerate(rows) if not row.get("t")}
        numbers = self._taken_numbers(forms.values())
        earlier: dict[tuple[int, str], int] = {}
        good = {n: form for n, form in forms.items() if form.is_valid()}
        neighbours = self._neighbours(good.values())
        for n, form in forms.items():
            row = rows[n]
            if n in good:
                key = (form.place().pk, form.cleaned_data["work_number"])
                if key[1] and (key in numbers or key in earlier):
                    text = _("Row %(number)d of the file has this number already.")
                    form.add_error(
                        "work_number",
                        text % {"number": rows[earlier[key]]["n"]}
                        if key in earlier
                        else _("This number is taken in this ledger. Leave it empty to have one proposed."),
                    )
                earlier.setdefault(key, n)
            row["e"] = _errors(form)
            row["w"] = self._warnings(n, good, neighbours, rows) if n in good and not row["e"] else []
            row["c"] = [[c.label, c.typed, c.corrected] for c in form.corrections()]

    def _taken_numbers(self, forms: Collection[WorkForm]) -> set[tuple[int, str]]:
        written = {form.cleaned_data["work_number"] for form in forms if form.cleaned_data.get("work_number")}
        rows = WorkEntry.system.filter(
            ledger=self.ledger, work_number__in=written, organisation__in=[place.pk for place in self.places]
        )
        return set(rows.values_list("organisation_id", "work_number"))

    def _neighbours(self, forms: Collection[WorkForm]) -> dict[int, list[WorkEntry]]:
        """The works of each federation in the time of the file."""
        spans: dict[int, tuple[datetime, datetime]] = {}
        for form in forms:
            begin, end = _span(form)
            known = spans.get(form.place().pk, (begin, end))
            spans[form.place().pk] = (min(begin, known[0]), max(end, known[1]))
        return {pk: selectors.near(self.actor, pk, *span) for pk, span in spans.items()}

    def _warnings(
        self,
        n: int,
        good: Mapping[int, WorkForm],
        neighbours: Mapping[int, list[WorkEntry]],
        rows: Sequence[Mapping[str, Any]],
    ) -> list[str]:
        form = good[n]
        begin, end = _span(form)
        values = form.values()
        found = selectors.overlaps_with(
            neighbours[form.place().pk], begin=begin, end=end, accounts=values.accounts, hosts=values.hosts
        )
        said = [_same(each.work, form) for each in found]
        accounts, hosts = set(map(account_key, values.accounts)), set(map(name_key, values.hosts))
        for other, twin in good.items():
            starts, ends = _span(twin)
            if other == n or twin.place() != form.place() or not (starts < end and ends > begin):
                continue
            same_account = accounts & set(map(account_key, twin.values().accounts))
            if same_account and hosts & set(map(name_key, twin.values().hosts)):
                text = _(
                    "Overlaps with row %(number)d of the file: same account and machine at the same time."
                )
                said.append(text % {"number": rows[other]["n"]})
        return said[:10]


def _same(work: WorkEntry, form: WorkForm) -> str:
    values = form.values()
    if (work.planned_from, work.planned_until, work.text) == (
        values.planned_from,
        values.planned_until,
        values.text,
    ):
        return _("The ledger holds this work already: %(number)s") % {"number": work.work_number}
    text = _("Overlaps with %(number)s: same account and machine at the same time.")
    return text % {"number": work.work_number}


def _span(form: WorkForm) -> tuple[datetime, datetime]:
    values = form.cleaned_data
    return values["actual_from"] or values["planned_from"], values["actual_until"] or values["planned_until"]


def _errors(form: WorkForm) -> dict[str, list[str]]:
    return {
        name if name != "__all__" else "": [str(text) for text in texts]
        for name, texts in form.errors.items()
    }


def places_of(ledger: str, actor: User) -> list[Organisation]:
    """For which federations the person enters works in this ledger."""
    if ledger == Ledger.CENTRAL:
        may = actor.may(WRITE_CENTRAL_LEDGER)
        return list(Organisation.objects.filter(kind__in=FEDERATIONS)) if may else []
    return actor.organisations_where(WRITE_FEDERATION_LEDGER)


def bring(
    *, ledger: str, name: str, data: bytes, again_reason: str = "", actor: User, now: datetime
) -> WorkImport:
    """Read a file and check its rows. Raises NotAllowed, FileRefused, AlreadyBrought (unless `again_reason` says why)."""
    keeper = _keeper(ledger, actor)
    checker = Checker(ledger, actor, now)
    table = read_table(name, data, checker.columns, max_rows=MOST_ROWS)
    brought = WorkImport(
        ledger=ledger,
        organisation=keeper,
        name=without_control_characters(name)[-200:] or "table",
        sha256=hashlib.sha256(data).hexdigest(),
        uploaded_by=actor,
        uploaded_at=now,
        again_reason=again_reason.strip()[:200],
        letters=table.letters,
        notes=table.notes,
        rows=table.rows,
    )
    _limit_cells(brought.rows)
    checker.check(brought.rows)
    _count(brought)
    with transaction.atomic():
        # Two people with one file at the same moment wait for each other here.
        Organisation.objects.select_for_update(no_key=True).get(pk=keeper.pk)
        same = WorkImport.system.filter(organisation=keeper, ledger=ledger, sha256=brought.sha256)
        earlier = same.exclude(state=State.DISCARDED).select_related("uploaded_by").first()
        if earlier is not None and not brought.again_reason:
            raise AlreadyBrought(earlier)
        brought.save()
        _record("work.file", brought, actor, now, {"rows": brought.row_count, "sha256": brought.sha256})
    return brought


@transaction.atomic
def correct(
    *,
    import_id: int,
    version: int,
    values: Mapping[int, Mapping[str, str]],
    removed: Collection[int] = (),
    actor: User,
    now: datetime,
) -> WorkImport:
    """Put what was typed into the rows, drop the removed ones, check all again. Raises NotAllowed, Refused, ChangedMeanwhile."""
    brought = _locked(import_id, version, actor)
    checker = Checker(brought.ledger, actor, now)
    columns = {column.name: column for column in checker.columns}
    for row in brought.rows:
        if row.get("t"):
            continue
        for name, text in values.get(row["n"], {}).items():
            if name not in columns or text == shown(columns[name], row["v"].get(name)):
                continue
            if problem := text_problem(text, _CELL_LENGTH):
                raise Refused("", problem)
            row["v"][name] = chosen(columns[name], text.strip())
            row.get("p", {}).pop(name, None)
    brought.rows = [row for row in brought.rows if row.get("t") or row["n"] not in removed]
    checker.check(brought.rows)
    _save(brought)
    _record(
        "work.file_correct", brought, actor, now, {"rows": sorted(values)[:100], "removed": sorted(removed)}
    )
    return brought


@transaction.atomic
def take_over(
    *, import_id: int, version: int, numbers: Collection[int] | None = None, actor: User, now: datetime
) -> list[WorkEntry]:
    """Enter the works of all rows, or of those that are named; all of them or none. The rest stays to be corrected.

    Raises NotAllowed, Refused, ChangedMeanwhile.
    """
    brought = _locked(import_id, version, actor)
    checker = Checker(brought.ledger, actor, now)
    checker.check(brought.rows)  # the ledger may have changed since
    rows = [row for row in brought.rows if not row.get("t") and (numbers is None or row["n"] in numbers)]
    if not rows:
        raise Refused("", _("Choose at least one row."))
    if wrong := [str(row["n"]) for row in rows if row["e"]]:
        text = _("These rows must be corrected first: %(rows)s")
        raise Refused("", text % {"rows": "、".join(wrong[:20])})
    made = []
    for row in rows:
        form = checker.filled(row)
        form.is_valid()
        entry = services.enter(
            ledger=brought.ledger,
            organisation=form.place(),
            values=form.values(),
            work_number=form.cleaned_data["work_number"],
            imported=True,
            known=checker.known,
            actor=actor,
            now=now,
        )
        row["t"], row["w"] = entry.work_number, []
        made.append(entry)
    if all(row.get("t") for row in brought.rows):
        brought.state = State.TAKEN
    checker.check(brought.rows)
    _save(brought)
    _record("work.file_taken", brought, actor, now, {"works": [entry.work_number for entry in made][:100]})
    return made


@transaction.atomic
def discard(*, import_id: int, version: int, actor: User, now: datetime) -> WorkImport:
    """Throw away the rows that were not taken over. Raises NotAllowed, Refused, ChangedMeanwhile."""
    brought = _locked(import_id, version, actor)
    brought.state, brought.rows = State.DISCARDED, []
    _save(brought)
    _record("work.file_discarded", brought, actor, now, {})
    return brought


def _keeper(ledger: str, actor: User) -> Organisation:
    wanted = WRITE_CENTRAL_LEDGER if ledger == Ledger.CENTRAL else WRITE_FEDERATION_LEDGER
    found = actor.organisations_where(wanted)
    if not found:
        raise NotAllowed(_("Only its keeper writes in this ledger."))
    return found[0]


def _locked(import_id: int, version: int, actor: User) -> WorkImport:
    rows = WorkImport.system.select_for_update(of=("self",)).select_related("organisation")
    brought: WorkImport = rows.get(pk=import_id)
    if brought.uploaded_by_id != actor.pk:
        raise NotAllowed(_("Only the person who handed in the file can change its rows."))
    _keeper(brought.ledger, actor)
    if brought.state != State.OPEN:
        raise Refused("", _("The rows of this file were taken over or discarded already."))
    if brought.version != version:
        raise ChangedMeanwhile("", _("These rows were changed in another window. Look again."))
    return brought


def _limit_cells(rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        for name, value in row["v"].items():
            if problem := text_problem(str(value), _CELL_LENGTH):
                row["p"][name] = [problem]
        row["v"] = {name: value for name, value in row["v"].items() if name not in row["p"]}


def _count(brought: WorkImport) -> None:
    brought.row_count = len(brought.rows)
    open_rows = [row for row in brought.rows if not row.get("t")]
    brought.taken_count = brought.row_count - len(open_rows)
    brought.error_count = sum(bool(row["e"]) for row in open_rows)
    brought.warning_count = sum(bool(row["w"]) for row in open_rows)
    brought.corrected_count = sum(bool(row["c"]) for row in open_rows)


def _save(brought: WorkImport) -> None:
    _count(brought)
    brought.version += 1
    brought.save()


def _record(action: str, brought: WorkImport, actor: User, now: datetime, detail: dict[str, Any]) -> None:
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="work_file",
        object_id=brought.pk,
        object_label=brought.name,
        object_organisation_id=brought.organisation_id,
        detail=detail,
    )
