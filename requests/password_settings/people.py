"""The whole list of accounts that a ticket touches, as Active Directory says it now (REQ-03)."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from portal.gateways import directory_factory
from portal.workflow import kinds
from portal.workflow.kinds import LineContext
from portal.workflow.models import EDITABLE, Application, ApplicationLine
from requests.password_settings import checks, effects, lookups, wanted
from requests.password_settings.effects import Effect
from requests.password_settings.known import known
from requests.password_settings.models import PasswordLifetime
from requests.password_settings.payloads import END, EXTEND, START, ExtendLifetime, StartLifetime


def people_of(application: Application) -> list[Effect] | None:
    """Each account before and after; None when there is nothing to compare: it ended, or nothing is filled in well yet.

    Raises DirectoryError. Once carried out, before is without the settings and after is with them, as things are now.
    """
    line: ApplicationLine | None = application.lines.first()
    if line is None:
        return None
    row = PasswordLifetime.system.select_related("organisation").filter(line=line).first()
    if row is not None:
        return _as_it_is(row) if row.is_in_force else None
    context = LineContext(
        organisation=application.organisation,
        actor=None,
        application=application,
        today=timezone.localdate(),
    )
    payload = _payload(context, application, line)
    if payload is None:
        return None
    if application.kind == START:
        return _planned(context, payload)
    row = known(context).lifetime(payload.name)
    if row is None:
        return None
    if application.kind == END:
        return _without(row)
    return _moved(context, row, payload) if application.kind == EXTEND else None


def _payload(context: LineContext, application: Application, line: ApplicationLine) -> Any:
    """What the line says; None for a draft that is not filled in well, whose values are as they were typed."""
    kind = kinds.get(application.kind)
    if application.status not in EDITABLE:
        return kind.load(line.payload, line.payload_version)
    form: Any = kind.form_class(data=line.payload, context=context)  # type: ignore[call-arg]
    return form.to_payload() if form.is_valid() else None


def _planned(context: LineContext, line: StartLifetime) -> list[Effect] | None:
    asked = known(context)
    if checks.check_start(context, line):
        return None
    seen = asked.start(line)
    if seen is None:
        raise asked.error or AssertionError
    made = wanted.new_settings(line, seen)
    later = effects.with_settings(seen.survey, made, seen.reach)
    return effects.effects_of(seen.accounts, seen.survey, later)


def _as_it_is(row: PasswordLifetime) -> list[Effect]:
    directory = directory_factory.get_directory()
    held = directory.find_password_settings(row.object_guid)
    seen = lookups.look_at_settings(directory, row.organisation, held)
    return effects.effects_of(seen.accounts, seen.survey.without(row.object_guid), seen.survey)


def _without(row: PasswordLifetime) -> list[Effect]:
    directory = directory_factory.get_directory()
    held = directory.find_password_settings(row.object_guid)
    seen = lookups.look_at_settings(directory, row.organisation, held)
    return effects.effects_of(seen.accounts, seen.survey, seen.survey.without(row.object_guid))


def _moved(context: LineContext, row: PasswordLifetime, line: ExtendLifetime) -> list[Effect] | None:
    directory = directory_factory.get_directory()
    held = directory.find_password_settings(row.object_guid)
    if held is None:
        return None
    seen = lookups.look_at_settings(directory, row.organisation, held)
    made = wanted.extended(held, line.last_day, line.lifetime_days)
    later = effects.with_settings(seen.survey, made, seen.reach, instead_of=held.guid)
    return effects.effects_of(seen.accounts, seen.survey.without(held.guid), later)
