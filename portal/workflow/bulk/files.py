"""The workbooks around bulk application: the empty template, one's own rows with the errors, all rows, and the results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from portal.common import xlsx
from portal.common.workbook import begin_sheet, safe_value, text_cell
from portal.fulfilment.models import Operation, OperationStatus
from portal.workflow.bulk.columns import Column, columns_of, shown
from portal.workflow.bulk.models import Upload
from portal.workflow.kinds import ApplicationKind, LineContext
from portal.workflow.models import Application
from portal.workflow.plans import Plan

_GREY, _RED = "F2F2F2", "FFD9D9"
_MARGIN = 200  # rows with drop-downs and text format below the last one


def template_book(kind: ApplicationKind[Any], context: LineContext) -> xlsx.Workbook:
    """The empty table of a kind."""
    return template_of(columns_of(kind, context), most=kind.max_bulk_lines)


def template_of(
    columns: Sequence[Column], *, most: int, examples: Mapping[str, str] | None = None, title: str = ""
) -> xlsx.Workbook:
    """An empty table: headings, an explanation, an example, drop-downs, and text format everywhere.

    `title` names the sheet of a table that is no application.
    """
    book = _empty_book()
    sheet = _table(book, columns, [str(_("No."))], most, title)
    sheet.append([text_cell(sheet, _("explanation"), fill=_GREY), *(_hint(sheet, c) for c in columns)])
    sheet.append(
        [text_cell(sheet, _("example"), fill=_GREY)]
        + [text_cell(sheet, _example(column, examples or _EXAMPLES), fill=_GREY) for column in columns]
    )
    for _number in range(_MARGIN):
        sheet.append([None, *(text_cell(sheet, "") for _column in columns)])
    _explain(book, columns, most)
    _choices(book, columns)
    return book


def filled_book(
    kind: ApplicationKind[Any], context: LineContext, rows: Iterable[Mapping[str, Any]]
) -> xlsx.Workbook:
    """The template with rows in it, which reads back as the same rows."""
    columns = columns_of(kind, context)
    book = _empty_book()
    sheet = _table(book, columns, [str(_("No."))], kind.max_bulk_lines)
    for number, row in enumerate(rows, start=1):
        sheet.append([number, *(text_cell(sheet, shown(c, row.get(c.name))) for c in columns)])
    _choices(book, columns)
    return book


def errors_book(upload: Upload, kind: ApplicationKind[Any], context: LineContext) -> xlsx.Workbook:
    """The rows of an upload with their errors."""
    return errors_of(upload.rows, columns_of(kind, context), most=kind.max_bulk_lines)


def errors_of(
    rows: Iterable[Mapping[str, Any]], columns: Sequence[Column], *, most: int, title: str = ""
) -> xlsx.Workbook:
    """The person's own rows, wrong cells coloured and said in a column of their own; it can be handed in as it is."""
    book = _empty_book()
    sheet = _table(book, columns, [str(_("No.")), str(_("errors"))], most, title)
    for row in sorted(rows, key=lambda row: not row.get("e")):
        wrong = row.get("e") or {}
        texts = [text for texts in wrong.values() for text in texts]
        sheet.append(
            [
                row["n"],
                text_cell(sheet, "\n".join(texts), fill=_RED if texts else ""),
                *(
                    text_cell(
                        sheet,
                        shown(c, row["v"].get(c.name)),
                        fill=_RED if c.name in wrong else "",
                    )
                    for c in columns
                ),
            ]
        )
    _choices(book, columns)
    return book


def _empty_book() -> xlsx.Workbook:
    """Not a write-only one: those cannot hold drop-downs. Its sheets are small."""
    book = xlsx.Workbook()
    del book[book.sheetnames[0]]
    return book


def _table(
    book: xlsx.Workbook, columns: Sequence[Column], before: list[str], most: int, title: str = ""
) -> Any:
    """The sheet to fill in, with its drop-downs."""
    sheet = book.create_sheet(title or str(_("application form")))
    for offset, column in enumerate(columns, start=len(before) + 1):
        if column.choices and not column.is_list:
            place = columns.index(column) + 1
            letter = xlsx.get_column_letter(place)
            source = f"'{_('choices')}'!${letter}$2:${letter}${len(column.choices) + 1}"
            rule = xlsx.DataValidation(type="list", formula1=source, allow_blank=True, showErrorMessage=False)
            rule.add(f"{xlsx.get_column_letter(offset)}2:{xlsx.get_column_letter(offset)}{most + _MARGIN}")
            sheet.add_data_validation(rule)
    return begin_sheet(book, "", [*before, *(column.heading for column in columns)], sheet=sheet)


def _hint(sheet: Any, column: Column) -> Any:
    parts = [column.help_text]
    if column.choices and not column.is_list:
        parts.append(_("Choose from the list."))
    if column.is_list:
        parts.append(_("Several with 、 between them."))
    return text_cell(sheet, " ".join(filter(None, parts)), fill=_GREY)


def _example(column: Column, examples: Mapping[str, str]) -> str:
    if column.choices:
        return column.choices[0][1]
    if column.is_date:
        return "2027/03/31"
    return examples.get(column.name, "")


_EXAMPLES = {
    "family_name": "国保",
    "given_name": "太郎",
    "family_kana": "コクホ",
    "given_kana": "タロウ",
    "login_name": "tk0001-kokuho",
    "department": "審査第一課",
    "staff_number": "00123",
}


def _explain(book: xlsx.Workbook, columns: Sequence[Column], most: int) -> None:
    sheet = begin_sheet(book, str(_("how to fill in")), [_("column"), _("required"), _("explanation")])
    for column in columns:
        needed = _("required") if column.required else ""
        sheet.append([safe_value(sheet, value) for value in (column.label, needed, column.help_text)])
    for text in (
        _("One row is one person or thing. At most %(count)d rows.") % {"count": most},
        _("Never write a password. A file with a column of passwords is refused."),
        _("Formulas and merged cells are refused. Paste values only."),
        _("Rows that begin with “example” or “explanation” are not read."),
    ):
        sheet.append(["", "", text])


def _choices(book: xlsx.Workbook, columns: Sequence[Column]) -> None:
    """The lists behind the drop-downs, each below its column."""
    sheet = begin_sheet(book, str(_("choices")), [f"〔{column.label}〕" for column in columns])
    longest = max((len(column.choices) for column in columns), default=0)
    for number in range(longest):
        sheet.append(
            [text_cell(sheet, c.choices[number][1]) if number < len(c.choices) else None for c in columns]
        )


def lines_rows(
    application: Application, kind: ApplicationKind[Any], columns: Sequence[Column]
) -> Iterator[list[Any]]:
    """Every line as it was applied for, with what it changes and what the checks said."""
    for line in application.lines.order_by("position").iterator(chunk_size=500):
        plan = Plan.from_json(line.plan) if line.plan else Plan()
        values = [shown(column, line.payload.get(column.name)) for column in columns]
        changes = [
            f"{c.attribute or _(c.label)}: {'、'.join(c.before)} → {'、'.join(c.after)}" for c in plan.changes
        ]
        said = [_(check.text) % check.values for check in plan.checks if check.level != "passed"]
        yield [line.position + 1, line.subject, *values, "\n".join(changes), "\n".join(said)]


def result_header() -> list[str]:
    """The headings of the result file."""
    return [
        str(text)
        for text in (
            _("No."),
            _("subject"),
            _("login name"),
            _("target"),
            _("result"),
            _("finished"),
            _("reason"),
        )
    ]


def result_rows(operations: Any) -> Iterator[list[Any]]:
    """What became of each line at each target; never a password, because none is kept anywhere."""
    rows = operations.select_related("line").order_by("line__position", "target")
    for operation in rows.iterator(chunk_size=500):
        yield [
            operation.line.position + 1,
            operation.subject,
            str(operation.line.payload.get("login_name", "")),
            operation.target_label,
            operation.get_status_display(),
            operation.settled_at,
            _reason(operation),
        ]


def _reason(operation: Operation) -> str:
    if operation.status == OperationStatus.CLOSED:
        return operation.manual_note
    return "" if operation.status == OperationStatus.DONE else operation.error_message
