"""The parts of a pack. Rooms add their own; a part is a table, so that it can be printed and opened in Excel alike."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from portal.common.time import JST, today
from portal.continuity.models import EmergencyNumber
from portal.fulfilment import selectors as fulfilment
from portal.fulfilment.models import SETTLED, Operation
from portal.orgs.models import Deputy, Membership, PasswordRecipient
from portal.orgs.permissions import DECIDE, Role
from portal.workflow import kinds
from portal.workflow.models import ApprovalStage, StageStatus, Status

log = logging.getLogger(__name__)

_PRINTED = 400
_ON_SHEETS = 2_000  # work sheets are for work that a person does by hand


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One table of the pack. `note` says what to do with it; `blank` is how many empty rows follow for handwriting."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Any]] = ()
    note: str = ""
    blank: int = 0

    @property
    def printed(self) -> Sequence[Sequence[Any]]:
        """The rows on paper. Nobody reads a thousand pages: the rest stands in the workbook."""
        return self.rows[:_PRINTED]

    @property
    def left_out(self) -> int:
        """How many rows stand in the workbook only."""
        return max(len(self.rows) - _PRINTED, 0)

    @property
    def blank_rows(self) -> range:
        """Empty rows to write into."""
        return range(self.blank)


Part = Callable[[datetime], Iterable[Sheet]]

_parts: list[Part] = []


def register(part: Part) -> None:
    """Add a part to every pack. It reads only, and never holds a password (ACC-10)."""
    _parts.append(part)


def all_sheets(now: datetime) -> list[Sheet]:
    """Every sheet in the order of registration."""
    return [sheet for part in _parts for sheet in part(now)]


def register_all() -> None:
    """The parts of this floor."""
    for part in (
        instructions,
        open_operations,
        open_applications,
        people_to_ask,
        reserved_numbers,
        blank_forms,
    ):
        register(part)


STEPS = (
    gettext_noop(
        "Announce that the portal is down, and that applications come by telephone or on the forms of this pack."
    ),
    gettext_noop(
        "For each application give the next free emergency number of its organisation and write it on the form."
    ),
    gettext_noop(
        "Have the federation's approver confirm by telephone (list of approvers), and note who and when."
    ),
    gettext_noop(
        "Make the account in Active Directory with the values of the attribute table; write the emergency number, or the marker of the work sheet, into the attribute employeeNumber."
    ),
    gettext_noop(
        "Draw the initial password there and then, hand it over in a sealed envelope, and note nothing of it here."
    ),
    gettext_noop("Note who did what and when on the work sheet."),
    gettext_noop(
        "When the portal is back it compares Active Directory first. Then the federation uploads the forms as “registration afterwards”, and its approver approves after the fact."
    ),
)


def instructions(now: datetime) -> Iterable[Sheet]:
    """What to do, step by step."""
    rows = [(number, _(text)) for number, text in enumerate(STEPS, start=1)]
    made = f"{now.astimezone(JST):%Y-%m-%d %H:%M}"
    yield Sheet(title=_("What to do"), header=(_("Step"), made), rows=rows)


def open_operations(now: datetime) -> Iterable[Sheet]:
    """What is approved and not carried out yet, and how to do it by hand."""
    rows = Operation.system.exclude(status__in=SETTLED).select_related(
        "line__application", "organisation", "taken_by"
    )
    operations = list(rows.order_by("pk"))
    yield Sheet(
        title=_("Work to be done"),
        header=(
            _("Application number"),
            _("Organisation"),
            _("Subject"),
            _("Target"),
            _("Status"),
            _("Not before"),
            _("Why it waits"),
            _("Taken by"),
            _("Done by"),
            _("Date and time"),
        ),
        rows=[
            (
                o.application_number,
                o.organisation.name,
                o.subject,
                f"{o.target_label} {o.step_label}".strip(),
                o.get_status_display(),
                f"{o.not_before.astimezone(JST):%Y-%m-%d %H:%M}",
                o.error_message,
                o.taken_by.display_name if o.taken_by else "",
                "",
                "",
            )
            for o in operations
        ],
        note=_(
            "Approved, not carried out yet. What is taken by hand here is recognised by its marker afterwards."
        ),
    )
    yield Sheet(
        title=_("Work sheets"),
        header=(_("Application number"), _("Subject"), _("Item"), _("Value")),
        rows=[
            (o.application_number, o.subject, label, value)
            for o in operations[:_ON_SHEETS]
            for label, value in _work_sheet(o)
        ],
    )


def _work_sheet(operation: Operation) -> list[tuple[str, str]]:
    """A line that no kind can read any more must not cost everybody the pack of this night."""
    try:
        return fulfilment.work_sheet(operation)
    except Exception as error:
        # Its text may hold personal data; its class does not.
        log.error("work sheet of operation %s: %s", operation.pk, type(error).__name__)
        return [(_("Work sheet"), _("cannot be made; see the application"))]


def open_applications(now: datetime) -> Iterable[Sheet]:
    """What waits for a decision, and for whose."""
    rows = ApprovalStage.system.filter(status=StageStatus.OPEN, application__status=Status.IN_REVIEW)
    stages = rows.select_related("application__organisation", "application__applicant", "organisation")
    yield Sheet(
        title=_("Applications in review"),
        header=(
            _("Application number"),
            _("Kind"),
            _("Organisation"),
            _("Subject"),
            _("Applicant"),
            _("Waits for"),
            _("Due date"),
            _("Reason"),
        ),
        rows=[
            (
                stage.application.number,
                _kind(stage.application.kind),
                stage.application.organisation.name,
                stage.application.subject,
                stage.application.applicant.display_name,
                f"{stage.organisation.short_name} {Role(stage.role).label}",
                stage.due_on or "",
                stage.application.reason,
            )
            for stage in stages.order_by("application__organisation__sort_order", "application_id").iterator(
                chunk_size=1000
            )
        ],
    )


def _kind(code: str) -> str:
    try:
        return str(kinds.get(code).label)
    except KeyError:
        return code


def people_to_ask(now: datetime) -> Iterable[Sheet]:
    """Who may approve, who deputises, and who receives initial passwords."""
    day = today(now)
    members: Any = Membership.system.valid_on(day)  # type: ignore[attr-defined]
    members = members.filter(role__in=DECIDE.roles, user__is_active=True).select_related(
        "user", "organisation"
    )
    deputies: Any = Deputy.system.valid_on(day)  # type: ignore[attr-defined]
    deputies = deputies.select_related("deputy", "principal", "organisation")
    rows = [
        (m.organisation.name, Role(m.role).label, m.user.display_name, m.user.department, m.user.email, "")
        for m in members.order_by("organisation__sort_order", "role", "user__kana")
    ]
    rows += [
        (
            d.organisation.name,
            Role(d.role).label,
            d.deputy.display_name,
            d.deputy.department,
            d.deputy.email,
            _("for %(name)s") % {"name": d.principal.display_name},
        )
        for d in deputies.order_by("organisation__sort_order", "pk")
    ]
    header = (_("Organisation"), _("Role"), _("Name"), _("Department"), _("Mail address"), _("Deputy"))
    yield Sheet(title=_("Approvers"), header=header, rows=rows)
    recipients = PasswordRecipient.system.filter(is_active=True, confirmed_at__isnull=False).select_related(
        "organisation"
    )
    yield Sheet(
        title=_("Recipients of initial passwords"),
        header=(_("Organisation"), _("Name"), _("Department"), _("Telephone"), _("Mail address")),
        rows=[
            (r.organisation.name, r.name, r.department, r.phone, r.email)
            for r in recipients.order_by("organisation__sort_order", "name")
        ],
    )


def reserved_numbers(now: datetime) -> Iterable[Sheet]:
    """Numbers and login names that are free for this day."""
    rows = EmergencyNumber.system.filter(used_at=None).select_related("organisation")
    yield Sheet(
        title=_("Emergency numbers"),
        header=(_("Organisation"), _("Emergency number"), _("Login name"), _("Given to"), _("Date and time")),
        rows=[
            (row.organisation.name, row.number, row.login_name, "", "")
            for row in rows.order_by("organisation__sort_order", "number")
        ],
        note=_("Nobody else gets these login names. Use one number for one account."),
    )


def blank_forms(now: datetime) -> Iterable[Sheet]:
    """The entries of every kind of application, with room to write."""
    for kind in kinds.all_kinds():
        yield Sheet(
            title=_("Form: %(kind)s") % {"kind": kind.label},
            header=[
                _("Emergency number"),
                *_labels(kind),
                _("Reason"),
                _("Applicant"),
                _("Approved by, when"),
            ],
            note=" / ".join(_helps(kind)),
            blank=10,
        )


def _labels(kind: kinds.ApplicationKind[Any]) -> Iterator[str]:
    for field_ in kind.form_class.base_fields.values():
        yield str(field_.label)


def _helps(kind: kinds.ApplicationKind[Any]) -> Iterator[str]:
    for field_ in kind.form_class.base_fields.values():
        if field_.help_text:
            yield f"{field_.label}: {field_.help_text}"
