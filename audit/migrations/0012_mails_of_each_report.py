"""Mails about late steps are told apart by the reports that they were about (AUD-08)."""

import django.contrib.postgres.fields
from django.db import migrations, models

# What a mail was about that went out before: the reports that were with its party then. So nobody gets it again.
FILL = """
UPDATE audit_stepmail mail SET
    day = (mail.sent_at AT TIME ZONE 'Asia/Tokyo')::date,
    reports = ARRAY(
        SELECT report.id FROM audit_auditreport report
        WHERE report.cycle_id = step.cycle_id AND report.created_at <= mail.sent_at
            AND (report.organisation_id = mail.organisation_id OR party.kind IN ('CENTRAL', 'OPERATIONS'))
            AND CASE step.step
                WHEN 2 THEN report.made_at WHEN 3 THEN report.central_confirmed_at WHEN 4 THEN report.provided_at
                WHEN 6 THEN report.federation_confirmed_at WHEN 7 THEN report.returned_at ELSE report.created_at
            END <= mail.sent_at
        ORDER BY report.id)
FROM audit_cyclestep step, orgs_organisation party
WHERE step.id = mail.step_id AND party.id = mail.organisation_id
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0011_sizes_of_months")]

    operations = [
        migrations.AddField("stepmail", "day", models.DateField(null=True)),
        migrations.AddField(
            "stepmail",
            "reports",
            django.contrib.postgres.fields.ArrayField(models.BigIntegerField(), default=list, size=None),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AlterField("stepmail", "day", models.DateField()),
        migrations.RemoveConstraint("stepmail", "stepmail_once"),
        migrations.AddConstraint(
            "stepmail",
            models.UniqueConstraint(
                fields=("step", "organisation", "to_user", "level", "days", "day"), name="stepmail_daily"
            ),
        ),
    ]
