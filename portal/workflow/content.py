"""What an applicant wrote: taken in safely, checked by the kind's form, and hashed so that a decision names it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.orgs.models import User
from portal.workflow import freezing, subjects
from portal.workflow.errors import InvalidApplication
from portal.workflow.kinds import ApplicationKind, LineContext
from portal.workflow.models import Application, ApplicationLine, Attachment
from portal.workflow.plans import BLOCKED, Plan

REASON_LENGTH = 2000
COMMENT_LENGTH = 2000
VALUE_LENGTH = 10_000

Errors = dict[str, list[str]]


@dataclass(frozen=True, kw_only=True)
class Content:
    """The changeable part of an application: JSON values as the form or the API gave them, incomplete in a draft."""

    reason: str = ""
    desired_on: date | None = None
    lines: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class CheckedLine:
    """One line that passed its form and its kind's checks, with the plan to freeze."""

    payload: Any
    data: dict[str, Any]
    plan: Plan
    reservation_key: str


def line_path(position: int, field: str = "") -> str:
    """The path of an error: "lines.0" or "lines.0.login_name"."""
    return f"lines.{position}.{field}" if field else f"lines.{position}"


def require_storable(kind: ApplicationKind[Any], content: Content) -> None:
    """Refuse what a draft cannot even keep: unknown fields, too much, characters that no database stores.

    Raises InvalidApplication; an incomplete or wrong value is no error here.
    """
    errors: Errors = {}
    _add(errors, "reason", text_problem(content.reason, REASON_LENGTH))
    limit = max(kind.max_lines, kind.max_bulk_lines)
    if len(content.lines) > limit:
        _add(errors, "lines", too_many_lines(limit))
    known = set(kind.form_class.base_fields) | set(kind.payload_class.__dataclass_fields__)
    for position, line in enumerate(content.lines[:limit]):
        for name, value in line.items():
            problem = _("There is no such field.") if name not in known else _value_problem(value)
            _add(errors, line_path(position, name if name in known else str(name)[:40]), problem)
    if errors:
        raise InvalidApplication(errors)


def too_many_lines(limit: int) -> str:
    """What to say about more lines than fit."""
    return _("At most %(count)d lines fit into one application. Split it.") % {"count": limit}


def text_problem(value: str, length: int) -> str:
    """What is wrong with a free text as a translated sentence, "" when nothing."""
    if len(value) > length:
        return _("Write at most %(count)d characters. You wrote %(written)d.") % {
            "count": length,
            "written": len(value),
        }
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        return _("The text holds a character that cannot be kept. Type it again instead of pasting it.")
    return ""


def require_comment(comment: str, *, required: bool) -> str:
    """The comment of a decision, trimmed; raises InvalidApplication at "comment"."""
    comment = comment.strip()
    problem = text_problem(comment, COMMENT_LENGTH)
    if required and not comment:
        problem = _("Write the reason, so that the applicant knows what to do.")
    if problem:
        raise InvalidApplication({"comment": [problem]})
    return comment


def missing_reason(reason: str) -> str:
    """What to say when nobody wrote why; "" when somebody did."""
    return "" if reason.strip() else _("Write why you apply, so that the approver can decide.")


def header_errors(application: Application, today: date, now: datetime | None = None) -> Errors:
    """What is wrong with what every kind asks, by field; the date also against the freezes."""
    errors: Errors = {}
    _add(errors, "reason", missing_reason(application.reason))
    if application.desired_on and application.desired_on < today:
        _add(
            errors, "desired_on", _("This date has passed. Choose today or a later date, or leave it empty.")
        )
    else:
        _add(errors, "desired_on", freezing.refusal(application, now or timezone.now()))
    return errors


def check_for_submission(
    kind: ApplicationKind[Any],
    application: Application,
    lines: Iterable[dict[str, Any]],
    *,
    actor: User,
    today: date,
    now: datetime | None = None,
) -> list[CheckedLine]:
    """Every line checked by its form, its kind and its plan, and the date against the freezes; asks targets, so no lock may be held.

    Raises InvalidApplication with all errors of all lines at once.
    """
    errors = header_errors(application, today, now)
    context = LineContext(
        organisation=application.organisation, actor=actor, application=application, today=today
    )
    checked, line_errors = check_lines(kind, context, list(lines))
    errors |= line_errors
    if not checked:
        _add(errors, "lines", _("Enter at least one line."))
    if errors:
        raise InvalidApplication(errors)
    return [line for line in checked if line is not None]


def check_lines(
    kind: ApplicationKind[Any], context: LineContext, lines: Sequence[Mapping[str, Any]]
) -> tuple[list[CheckedLine | None], Errors]:
    """Every line checked by its form, its kind and its plan, with all errors by their paths; None for a line whose form fails.

    The one way from raw values to plans: a file's preview (ACC-13), the confirmation and the submission all go it. What the
    lines share is read once. Asks targets, so no lock may be held.
    """
    errors: Errors = {}
    kind.read_ahead(context, lines)
    make = _form_maker(kind, context)
    payloads = [_payload(make(line), position, errors) for position, line in enumerate(lines)]
    kind.prepare(context, [payload for payload in payloads if payload is not None])
    checked = [
        None if payload is None else _check_payload(kind, context, position, payload, errors)
        for position, payload in enumerate(payloads)
    ]
    _refuse_doubles(kind, checked, errors)
    return _with_subjects(kind, context, checked, errors), errors


def _with_subjects(
    kind: ApplicationKind[Any], context: LineContext, checked: list[CheckedLine | None], errors: Errors
) -> list[CheckedLine | None]:
    """What other open tickets say of the subjects of the lines, told or refused as the kind says."""
    payloads = [line.payload if line else None for line in checked]
    plans = [line.plan if line else Plan() for line in checked]
    told = subjects.with_checks(kind, context, payloads, plans, at_entry=True)
    for position, (before, after) in enumerate(zip(plans, told, strict=True)):
        for text in _blocked_texts(replace(after, checks=after.checks[len(before.checks) :])):
            _add(errors, line_path(position), text)
    return [replace(line, plan=plan) if line else None for line, plan in zip(checked, told, strict=True)]


def read_lines(
    kind: ApplicationKind[Any], context: LineContext, lines: Sequence[Mapping[str, Any]]
) -> list[Any]:
    """The payload of each line by its form alone; None for a line whose form fails."""
    kind.read_ahead(context, lines)
    make = _form_maker(kind, context)
    return [_payload(make(line), position, {}) for position, line in enumerate(lines)]


def plan_lines(
    kind: ApplicationKind[Any], application: Application, lines: Iterable[ApplicationLine], today: date
) -> list[Plan]:
    """The live plan of each line; asks targets, so no lock may be held."""
    context = LineContext(
        organisation=application.organisation, actor=None, application=application, today=today
    )
    payloads = [kind.load(line.payload, line.payload_version) for line in lines]
    kind.prepare(context, payloads)
    plans = [kind.plan(context, payload) for payload in payloads]
    return subjects.with_checks(kind, context, payloads, plans, at_entry=False)


def frozen_plans(lines: Iterable[ApplicationLine]) -> list[Plan]:
    """The plans as they were frozen at submission."""
    return [Plan.from_json(line.plan) if line.plan else Plan() for line in lines]


def blocked_reasons(plans: Iterable[Plan]) -> Errors:
    """The texts of the checks that forbid to go on, by the path of their line."""
    texts = {line_path(position): _blocked_texts(plan) for position, plan in enumerate(plans)}
    return {path: found for path, found in texts.items() if found}


def snapshot(
    *,
    kind: str,
    organisation_code: str,
    reason: str,
    desired_on: date | None,
    lines: Iterable[Mapping[str, Any]],
    attachments: Iterable[Attachment],
) -> dict[str, Any]:
    """The whole content as JSON, as the history keeps it with each submission."""
    return {
        "kind": kind,
        "organisation": organisation_code,
        "reason": reason,
        "desired_on": desired_on.isoformat() if desired_on else None,
        "lines": [dict(line) for line in lines],
        "attachments": [{"name": a.name, "sha256": a.sha256, "size": a.size} for a in attachments],
    }


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of a snapshot."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def draft_subject(kind: ApplicationKind[Any], line: Mapping[str, Any]) -> str:
    """Who or what an incomplete line is about, as far as it can be told."""
    try:
        return kind.subject(kind.load(dict(line), kind.payload_version))[:200].strip()
    except (TypeError, ValueError, AttributeError, KeyError, LookupError):
        return ""  # the line lacks what its subject is made of


def _form_maker(kind: ApplicationKind[Any], context: LineContext) -> Callable[[Mapping[str, Any]], Any]:
    """Makes the form of a line. Building fields takes longer than checking them: where one form serves all, it does."""
    made: Any = kind.form_class
    if vars(made).get("differs_by_data_alone"):
        return made(context=context).with_data  # type: ignore[no-any-return]
    return lambda line: made(data=line, context=context)


def _payload(form: Any, position: int, errors: Errors) -> Any:
    if form.is_valid():
        return form.to_payload()
    for field, problems in form.errors.items():
        path = line_path(position, "" if field == NON_FIELD_ERRORS else field)
        errors[path] = [str(problem) for problem in problems]
    return None


def _check_payload(
    kind: ApplicationKind[Any], context: LineContext, position: int, payload: Any, errors: Errors
) -> CheckedLine:
    found = {field: list(map(str, texts)) for field, texts in kind.check(context, payload).items() if texts}
    for field, texts in found.items():
        errors.setdefault(line_path(position, field), []).extend(texts)
    # With errors there is nothing to plan; its checks would tell the same problem once more.
    plan = Plan() if found else kind.plan(context, payload)
    for text in _blocked_texts(plan):
        _add(errors, line_path(position), text)
    return CheckedLine(
        payload=payload, data=kind.dump(payload), plan=plan, reservation_key=kind.reservation_key(payload)
    )


def _blocked_texts(plan: Plan) -> list[str]:
    return [_(check.text) % check.values for check in plan.checks if check.level == BLOCKED]


def _refuse_doubles(kind: ApplicationKind[Any], lines: Iterable[CheckedLine | None], errors: Errors) -> None:
    seen: dict[str, int] = {}  # ACC-06: also within one application
    for position, line in enumerate(lines):
        if line is None or not line.reservation_key:
            continue
        first = seen.setdefault(line.reservation_key, position)
        if first != position:
            text = _("Line %(number)d already applies for the same. Change one of the two.") % {
                "number": first + 1
            }
            _add(errors, line_path(position, kind.reservation_field), text)


def _value_problem(value: Any) -> str:
    if isinstance(value, list):
        return next(filter(None, map(_scalar_problem, value)), "")
    return _scalar_problem(value)


def _scalar_problem(value: Any) -> str:
    if isinstance(value, str):
        return text_problem(value, VALUE_LENGTH)
    if isinstance(value, float) and not math.isfinite(value):
        return _("Enter a number.")
    if value is None or isinstance(value, bool | int | float):
        return ""
    return _("Enter a text, a number or a list of them.")


def _add(errors: Errors, path: str, text: str) -> None:
    if text:
        errors.setdefault(path, []).append(text)
