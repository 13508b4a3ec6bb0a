"""Registered devices in bulk: three statements, however many, so that tests and the bench begin with a full register."""

from __future__ import annotations

import datetime as dt

from django.db import connection
from django.utils import timezone

from portal.common.time import JST
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import OrganisationKind, Role
from tests import factories

QUARTER = dt.date(2027, 1, 1)
AS_OF = dt.datetime(2026, 12, 28, 18, 0, tzinfo=JST)
_LINES = """
    INSERT INTO workflow_applicationline (application_id, organisation_id, position, payload, payload_version,
                                          subject_key, subject, is_open, result)
    SELECT %(application)s, %(organisation)s, n, '{}', 1, 'DV-2026-' || to_char(%(first)s + n, 'FM000000'), '', false, '{}' FROM generate_series(1, %(count)s) n
"""
# Of ten devices six were used lately, two long ago, one never, and of one nothing is known.
_DEVICES = """
    INSERT INTO devices_device (created_at, updated_at, number, organisation_id, kind, maker, model, serial,
                                no_serial_reason, key, search_text, last_used_at, usage_as_of)
    SELECT now(), now(), 'DV-2026-' || to_char(%(first)s + n, 'FM000000'), %(organisation)s, 'USB_STORAGE', 'メーカー',
           'RUF3', 'SN' || n, '', '', '',
           CASE n %% 10 WHEN 0 THEN NULL WHEN 1 THEN NULL WHEN 2 THEN %(long_ago)s WHEN 3 THEN %(long_ago)s
                       ELSE %(recent)s END::timestamptz,
           CASE n %% 10 WHEN 1 THEN NULL ELSE %(as_of)s END::timestamptz
      FROM generate_series(1, %(count)s) n
"""
_PERMITS = """
    WITH made AS (
        INSERT INTO devices_devicepermit (
            created_at, updated_at, organisation_id, device_id, device_kind, device_key, "grant", end_user, end_user_mail,
            write_reason, reason_confirmed_by_id, reason_confirmed_at, valid_until, state, applicant_id, approved_by_id,
            approved_at, registered_by_id, registered_at, end_reason, line_id, last_line_id)
        SELECT now(), now(), d.organisation_id, d.id, d.kind, '', 'READ_WRITE', '鈴木 美咲', '', '提出のため',
               %(officer)s, %(registered)s, %(until)s, 'REGISTERED', %(applicant)s, %(manager)s, %(registered)s,
               %(officer)s, %(registered)s, '', l.id, l.id
          FROM devices_device d
          JOIN workflow_applicationline l
            ON l.application_id = %(application)s
           AND l.subject_key = d.number
         WHERE d.organisation_id = %(organisation)s AND d.permit_id IS NULL
        RETURNING id, device_id
    )
    UPDATE devices_device d SET permit_id = made.id FROM made WHERE d.id = made.device_id
"""


def federations() -> list[Organisation]:
    """The 47."""
    return list(Organisation.objects.filter(kind=OrganisationKind.FEDERATION).order_by("code"))


def fill(organisation: Organisation, count: int) -> None:
    """So many registered devices of an organisation. Their numbers tell its code: DV-2026-130001."""
    code = organisation.code
    officer = factories.user(Role.SECURITY_OFFICER, code=code)
    applicant, manager = (
        User.objects.filter(login_name=name).first() or factories.user(code=code, login_name=name)
        for name in ("stock-applicant", "stock-manager")
    )
    application = factories.application(code, kind="devices.permit", applicant=applicant, status="COMPLETED")
    values = {
        "application": application.pk,
        "organisation": organisation.pk,
        "count": count,
        "first": int(code) * 10_000,
        "long_ago": dt.datetime(2026, 8, 3, 10, 0, tzinfo=JST),
        "recent": dt.datetime(2026, 12, 24, 10, 0, tzinfo=JST),
        "as_of": AS_OF,
        "registered": dt.datetime(2026, 4, 1, 10, 0, tzinfo=JST),
        "until": timezone.localdate() + dt.timedelta(days=300),
        "applicant": applicant.pk,
        "officer": officer.pk,
        "manager": manager.pk,
    }
    with connection.cursor() as cursor:
        for statement in (_LINES, _DEVICES, _PERMITS):
            cursor.execute(statement, values)
