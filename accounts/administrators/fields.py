"""The form fields of administrator accounts: roles with days as one value, shown as a table of boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.administrators import roles
from accounts.administrators.roles import NONE, Unreadable
from portal.orgs.permissions import Role


class RolesWidget(forms.Widget):
    """One row for each role: a box to tick, the first and the last day. It gives the field one text (no script needed)."""

    template_name = "accounts/widgets/roles.html"
    use_fieldset = True
    in_one_piece = True  # components/field.html shows it as it is

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.roles: Sequence[Role] = ()

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """The rows as they are ticked. A text that cannot be read is shown as it was typed."""
        context = super().get_context(name, value, attrs)
        written = _rows_of(str(value or ""))
        known = {row[0]: row for row in written or ()}
        context["widget"]["rows"] = [
            {
                "code": role.value,
                "label": role.label,
                "ticked": role.value in known,
                "days": known.get(role.value),
            }
            for role in self.roles
        ]
        unread = written is None or any(row[0] not in set(self.roles) for row in written)
        context["widget"]["unread"] = value if unread else ""
        return context

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        """The text itself when it was sent as one (API, workbook, stored draft), else what the table says."""
        if data.get(name):
            return data[name]
        if not data.get(f"{name}-shown"):
            return data.get(name)
        rows = []
        for role in Role:
            first, last = (str(data.get(f"{name}-{role}-{day}", "")).strip() for day in ("from", "until"))
            if data.get(f"{name}-{role}"):
                rows.append(f"{role.value}({first}..{last})" if first or last else role.value)
        return ";".join(rows) or NONE

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        """An unticked table is an answer."""
        return name not in data and f"{name}-shown" not in data

    def id_for_label(self, id_: str) -> str:
        """The group has its legend; no single box is labelled by it."""
        return ""


def _rows_of(text: str) -> list[tuple[str, str, str]] | None:
    """Role, first and last day as written, also days that are none; None when the text is no list of roles."""
    try:
        return [(term.role, _shown(term.valid_from), _shown(term.valid_until)) for term in roles.read(text)]
    except Unreadable:
        return _rows_as_typed(text)


def _rows_as_typed(text: str) -> list[tuple[str, str, str]] | None:
    rows = []
    for part in text.split(";"):
        code, bracket, days = part.partition("(")
        if code not in Role.values or (bracket and ".." not in days):
            return None
        first, _between, last = days.removesuffix(")").partition("..")
        rows.append((code, first, last))
    return rows


def _shown(day: Any) -> str:
    return f"{day.year}/{day.month}/{day.day}" if day else ""


class RolesField(forms.Field):
    """The roles that an account shall carry; the value is the strict text of accounts.administrators.roles."""

    widget = RolesWidget

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", gettext_lazy("Roles"))
        kwargs.setdefault(
            "help_text",
            gettext_lazy(
                "In one text: roles separated by semicolons, days in brackets, such as "
                "承認者;申請者(2027-03-31まで) or APPROVER;APPLICANT(2026-12-01..2027-03-31). なし: no role."
            ),
        )
        super().__init__(**kwargs)
        self.among: Sequence[Role] = tuple(Role)

    def offer(self, among: Sequence[Role]) -> None:
        """Take these roles only."""
        self.among = among
        self.widget.roles = among  # type: ignore[attr-defined]

    def to_python(self, value: Any) -> str:
        """The strict text; "" stays ""."""
        if value in self.empty_values:
            return ""
        if not isinstance(value, str):
            raise ValidationError(_("Write the roles as one text."), code="no_text")
        try:
            return roles.strict(roles.parse(value, self.among))
        except Unreadable as error:
            raise ValidationError(error.reason, code="unreadable") from error
