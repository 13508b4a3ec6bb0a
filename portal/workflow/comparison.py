"""What differs: between a frozen and a live plan, and between two submitted revisions of an application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_noop

from portal.workflow import kinds
from portal.workflow.models import Application
from portal.workflow.plans import ADD, CHANGE, REMOVE, Change, Plan
from portal.workflow.verbs import Verb

# Translated where they are shown.
REASON_LABEL = gettext_noop("reason")
DESIRED_LABEL = gettext_noop("effective date")
ATTACHMENTS_LABEL = gettext_noop("attachments")


def plan_differences(frozen: Sequence[Plan], live: Sequence[Plan]) -> list[Change]:
    """What the live plans do otherwise than the frozen ones: changed and new steps as they are now, dropped ones as removed."""
    found: list[Change] = []
    for position in range(max(len(frozen), len(live))):
        before = frozen[position].changes if position < len(frozen) else ()
        after = live[position].changes if position < len(live) else ()
        kept = {(change.label, change.attribute) for change in after}
        found += [change for change in after if change not in before]
        found += [
            Change(action=REMOVE, label=change.label, attribute=change.attribute, before=change.after)
            for change in before
            if (change.label, change.attribute) not in kept
        ]
    return found


def revision_differences(application: Application) -> list[Change]:
    """What differs between the last two submitted revisions; nothing for a first submission.

    `label` is the msgid of a header field or the label of the line's form field, `attribute` its path.
    """
    submitted = [e for e in application.events.all() if e.verb in (Verb.SUBMITTED, Verb.RESUBMITTED)]
    if len(submitted) < 2:
        return []
    older, newer = (event.data["content"] for event in submitted[-2:])
    found = [
        _change(label, path, _shown(older.get(path)), _shown(newer.get(path)))
        for label, path in ((REASON_LABEL, "reason"), (DESIRED_LABEL, "desired_on"))
    ]
    found.append(_change(ATTACHMENTS_LABEL, "attachments", _names(older), _names(newer)))
    found += _line_differences(application.kind, older["lines"], newer["lines"])
    return [change for change in found if change is not None]


def _line_differences(
    code: str, older: Sequence[Mapping[str, Any]], newer: Sequence[Mapping[str, Any]]
) -> list[Change | None]:
    fields = kinds.get(code).form_class.base_fields
    found: list[Change | None] = []
    for position in range(max(len(older), len(newer))):
        before = older[position] if position < len(older) else {}
        after = newer[position] if position < len(newer) else {}
        for name in dict.fromkeys([*before, *after]):
            label = str(fields[name].label or name) if name in fields else name
            path = f"lines.{position}.{name}"
            found.append(_change(label, path, _shown(before.get(name)), _shown(after.get(name))))
    return found


def _change(label: str, path: str, before: tuple[str, ...], after: tuple[str, ...]) -> Change | None:
    if before == after:
        return None
    action = CHANGE if before and after else ADD if after else REMOVE
    return Change(action=action, label=label, attribute=path, before=before, after=after)


def _names(content: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(attachment["name"] for attachment in content.get("attachments", ()))


def _shown(value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(map(str, value))
    return () if value in (None, "") else (str(value),)
