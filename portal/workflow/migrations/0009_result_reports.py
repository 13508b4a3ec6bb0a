"""Every application ends with a result report (REQ-12). What ended before is marked, without a report and without being rewritten."""

import uuid

import django.db.models.deletion
import django.db.models.manager
from django.conf import settings
from django.db import migrations, models

# A column with a constant default is added without touching a row: what is there counts as "before" at once, what comes
# later does not. Only what is still open, a few, is written.
MARK = """
ALTER TABLE workflow_application ADD COLUMN before_reports boolean NOT NULL DEFAULT true;
ALTER TABLE workflow_application ALTER COLUMN before_reports SET DEFAULT false;
UPDATE workflow_application SET before_reports = false
    WHERE status NOT IN ('COMPLETED', 'NOT_DONE', 'REJECTED', 'WITHDRAWN');
"""
GUARDS = """
CREATE FUNCTION workflow_application_report_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an application ends with its result report and keeps it (REQ-12)'
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER workflow_application_report_stays BEFORE UPDATE OF status, before_reports, report_id
    ON workflow_application FOR EACH ROW
    WHEN ((NEW.before_reports AND (NOT OLD.before_reports OR NEW.status <> OLD.status))
          OR (OLD.report_id IS NOT NULL AND NEW.report_id IS DISTINCT FROM OLD.report_id))
    EXECUTE FUNCTION workflow_application_report_stays();

CREATE FUNCTION workflow_resultreport_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.reached_at IS NULL
       AND (NEW.id, NEW.uid, NEW.application_number, NEW.organisation_id, NEW.recipient_id, NEW.issued_at, NEW.content,
            NEW.digest, NEW.notice_id)
           IS NOT DISTINCT FROM
           (OLD.id, OLD.uid, OLD.application_number, OLD.organisation_id, OLD.recipient_id, OLD.issued_at, OLD.content,
            OLD.digest, OLD.notice_id)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a result report is frozen (REQ-12)' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER workflow_resultreport_frozen BEFORE UPDATE OR DELETE ON workflow_resultreport
    FOR EACH ROW EXECUTE FUNCTION workflow_resultreport_frozen();
CREATE TRIGGER workflow_resultreport_no_truncate BEFORE TRUNCATE ON workflow_resultreport
    FOR EACH STATEMENT EXECUTE FUNCTION workflow_resultreport_frozen();
"""
NO_GUARDS = """
DROP TRIGGER workflow_application_report_stays ON workflow_application;
DROP FUNCTION workflow_application_report_stays();
DROP TRIGGER workflow_resultreport_frozen ON workflow_resultreport;
DROP TRIGGER workflow_resultreport_no_truncate ON workflow_resultreport;
DROP FUNCTION workflow_resultreport_frozen();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('notices', '0002_dropped'),
        ('orgs', '0007_token_scope'),
        ('workflow', '0008_application_submitted'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(MARK, "ALTER TABLE workflow_application DROP COLUMN before_reports")],
            [
                migrations.AddField(
                    model_name='application',
                    name='before_reports',
                    field=models.BooleanField(db_default=False, default=False),
                )
            ],
        ),
        migrations.CreateModel(
            name='ResultReport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('application_number', models.CharField(max_length=20, unique=True, verbose_name='application number')),
                ('issued_at', models.DateTimeField(verbose_name='reported')),
                ('content', models.JSONField(default=dict)),
                ('digest', models.CharField(max_length=64)),
                ('reached_at', models.DateTimeField(blank=True, null=True, verbose_name='arrived')),
                ('reached_how', models.CharField(blank=True, choices=[('MAIL', 'by mail'), ('READ', 'read in the portal by the applicant'), ('TOLD', 'told to the applicant by somebody of the organisation')], default='', max_length=4, verbose_name='how it arrived')),
                ('reached_note', models.CharField(blank=True, default='', max_length=500)),
                ('notice', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='result_report', to='notices.notice')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orgs.organisation', verbose_name='organisation')),
                ('reached_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('recipient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='applicant')),
            ],
            options={
                'ordering': ('-id',),
                'abstract': False,
                'default_manager_name': 'system',
            },
            managers=[
                ('system', django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddField(
            model_name='application',
            name='report',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='application', to='workflow.resultreport'),
        ),
        migrations.AddConstraint(
            model_name='application',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['COMPLETED', 'NOT_DONE', 'REJECTED']), _negated=True), ('report__isnull', False), ('before_reports', True), _connector='OR'), name='application_ends_with_report'),
        ),
        migrations.AddIndex(
            model_name='resultreport',
            index=models.Index(condition=models.Q(('reached_at', None)), fields=['organisation', '-id'], name='report_on_its_way'),
        ),
        migrations.AddConstraint(
            model_name='resultreport',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reached_at', None), ('reached_how', '')), models.Q(('reached_at__isnull', False), ('reached_how__in', ['MAIL', 'READ', 'TOLD'])), _connector='OR'), name='report_reached_says_how'),
        ),
        migrations.AddConstraint(
            model_name='resultreport',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reached_how', 'TOLD'), _negated=True), models.Q(('reached_by__isnull', False), models.Q(('reached_by', models.F('recipient')), _negated=True)), _connector='OR'), name='report_told_by_another'),
        ),
        migrations.RunSQL(GUARDS, NO_GUARDS),
    ]
