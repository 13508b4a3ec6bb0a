"""A file of changes: each row through the form of the screen, every problem at once with its row."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from portal.common.choices import folded
from portal.workflow.bulk import excel, textfiles
from portal.workflow.bulk.cells import Cell, Row, Sheet
from portal.workflow.bulk.errors import FileRefused
from requests.own_changes.forms import ChangeForm

MOST_ROWS = 1000
_YES = frozenset(folded(word) for word in ("1", "○", "〇", "はい", "yes", "true", "有"))


def headings(form_class: type[ChangeForm]) -> list[str]:
    """The first row of the template."""
    fields = form_class.base_fields
    return [str(fields[name].label) for name in form_class.order()]


def read(form_class: type[ChangeForm], name: str, data: bytes) -> list[tuple[int, dict[str, Any]]]:
    """The rows that hold something, each with its number, as values for the service. Raises FileRefused with every reason."""
    sheet = _sheet(name, data)
    if not sheet.rows:
        raise FileRefused(_("This file is empty."))
    placed = _placed(form_class, sheet.rows[0])
    found: list[tuple[int, dict[str, Any]]] = []
    problems: list[str] = []
    for row in sheet.rows[1:]:
        values = {placed[cell.column]: _text(cell) for cell in row.cells if cell.column in placed}
        if not any(values.values()):
            continue
        values["differs"] = "on" if folded(values.get("differs", "")) in _YES else ""
        form = form_class(values)
        if form.is_valid():
            found.append((row.number, form.to_values()))
        else:
            problems += [
                _("Row %(row)d: %(problem)s") % {"row": row.number, "problem": p.text}
                for p in form.error_summary
            ]
    if problems:
        raise FileRefused(*problems[:100])
    if not found:
        raise FileRefused(_("There is no row below the headings."))
    return found


def _sheet(name: str, data: bytes) -> Sheet:
    if not data.strip():
        raise FileRefused(_("This file is empty."))
    if excel.is_workbook(data):
        return excel.read_workbook(data, max_rows=MOST_ROWS)[0]
    return textfiles.read_text(data, tabs=name.lower().endswith(".tsv"), max_rows=MOST_ROWS)


def _placed(form_class: type[ChangeForm], header: Row) -> dict[int, str]:
    known = {
        folded(label): name for label, name in zip(headings(form_class), form_class.order(), strict=True)
    }
    placed = {cell.column: known[folded(cell.text)] for cell in header.cells if folded(cell.text) in known}
    needed = {"changed_on", "changed_time", "changed_by", "equipment", "item", "reason"}
    if missing := needed - set(placed.values()):
        labels = [str(form_class.base_fields[name].label) for name in form_class.order() if name in missing]
        raise FileRefused(
            _("These columns are missing: %(names)s. Use the template.") % {"names": "、".join(labels)}
        )
    return placed


def _text(cell: Cell) -> str:
    value = cell.value
    if hasattr(value, "strftime"):
        is_day = hasattr(value, "year")
        return value.strftime("%Y/%m/%d") if is_day else value.strftime("%H:%M")  # type: ignore[union-attr]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return cell.text
