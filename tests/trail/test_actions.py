"""Every action of the trail says whether an organisation reads what others did about it (SEC-02, AUD-04)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import get_resolver

from audit.reports.verbs import Verb as ReportVerb
from portal.trail.actions import INTERNAL, LABELS, SHARED
from portal.workflow.registers import RegisterView
from portal.workflow.verbs import Verb

ROOMS = ("portal", "accounts", "devices", "requests", "audit")
RECORDING = {
    "record",
    "listed",
    "note",
    "trail_of",
    "record_person",
    "record_change",
    "record_view",
    "reveal",
}
AN_ACTION = re.compile(r"[a-z_]+\.[a-z_]+")


def _named_in_code() -> Iterator[tuple[str, str]]:
    """What calls that write into the trail are given, with the place."""
    root = Path(__file__).parents[2]
    for path in (each for room in ROOMS for each in (root / room).rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if (
                not isinstance(call, ast.Call)
                or ast.unparse(call.func).split(".")[-1].strip("_") not in RECORDING
            ):
                continue
            named = [keyword.value for keyword in call.keywords if keyword.arg == "action"]
            for given in [*call.args, *named]:
                yield from _texts(given, f"{path.relative_to(root)}:{call.lineno}")


def _texts(given: ast.expr, place: str) -> Iterator[tuple[str, str]]:
    parts: Iterable[ast.AST] = [given.body, given.orelse] if isinstance(given, ast.IfExp) else [given]
    for part in parts:
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and AN_ACTION.fullmatch(part.value):
            yield part.value, place
        elif isinstance(part, ast.JoinedStr) and isinstance(part.values[0], ast.Constant):
            family = str(part.values[0].value)  # f"operation.{verb}": some of its kind must have a place
            yield next((action for action in LABELS if action.startswith(family)), family), place


def _subclasses(found: type[Any]) -> Iterator[type[Any]]:
    for each in found.__subclasses__():
        yield each
        yield from _subclasses(each)


def test_aud_04_every_action_that_the_code_names_is_either_shared_or_internal() -> None:
    assert len(get_resolver().url_patterns) > 1  # every view is loaded
    named = dict(_named_in_code())
    registers = {view.action for view in _subclasses(RegisterView) if getattr(view, "action", "")}
    named |= {f"{name}.{verb}": name for name in registers for verb in ("list", "export", "print")}
    named |= {f"application.{verb.lower()}": "verbs" for verb in Verb.values}
    named |= {f"audit_report.{verb}": "verbs" for verb in ReportVerb.values}

    assert {action: place for action, place in named.items() if action not in LABELS} == {}
    assert len(named) > 200
    assert not SHARED.keys() & INTERNAL.keys()


@pytest.mark.parametrize(
    "action",
    [f"audit_report.{verb}" for verb in ("created", "central_confirmed", "superseded", "corrected")]
    + [
        f"audit_report.{verb}"
        for verb in ("supplemented", "central_acknowledged", "view", "sessions", "reveal")
    ]
    + ["mismatch.reason", "work.entered", "work.changed", "work.cancelled", "logs.host", "logs.host_change"]
    + ["enquiry.note", "enquiry.route"],
)
def test_aud_04_what_goes_before_the_report_is_provided_and_notes_are_internal(action: str) -> None:
    assert action in INTERNAL
