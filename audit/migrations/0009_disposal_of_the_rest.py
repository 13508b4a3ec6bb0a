"""Disposal of sessions, reasons and ledgers; months that go again; what is left of a part stays provable (AUD-09)."""

from django.db import migrations, models

_KINDS = [
    ("NUMBER_LOGS", "log rows about individual numbers, with the files that brought them"),
    ("OTHER_LOGS", "log rows about personal information"),
    ("REPORTS", "files of audit reports"),
    ("SESSIONS", "mismatches with their reasons and incidents"),
    ("LEDGERS", "works of the two ledgers with their changes"),
]
RULES = """
INSERT INTO audit_retentionrule (kind, years, changed_by_name, created_at, updated_at)
VALUES ('SESSIONS', 7, '', now(), now()), ('LEDGERS', 7, '', now(), now())
"""
# A decision opens the way until it is carried out (its digest is written then), and never again: rows that come for the month
# later wait for two people anew.
MAY_DISPOSE = """
CREATE OR REPLACE FUNCTION audit_may_dispose(what text, first date) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM audit_disposal d JOIN audit_retentionrule r ON r.kind = d.kind
        WHERE d.kind = what AND d.month = first AND d.state = 'DONE' AND d.digest = '' AND d.decided_by_id <> d.proposed_by_id
          AND first + interval '1 month' + r.years * interval '1 year' <= now() AT TIME ZONE 'Asia/Tokyo'
    ) AND NOT EXISTS (
        SELECT FROM audit_hold h WHERE h.kind = what AND h.released_at IS NULL AND (h.month IS NULL OR h.month = first)
    )
$$;
CREATE OR REPLACE FUNCTION audit_mismatchreason_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND audit_may_dispose('SESSIONS', (
        SELECT c.month FROM audit_mismatch m JOIN audit_reconciliation r ON r.id = m.reconciliation_id
        JOIN audit_auditcycle c ON c.id = r.cycle_id WHERE m.id = OLD.mismatch_id
    )) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit_mismatchreason is insert-only (SEC-02)' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE FUNCTION audit_workchange_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND audit_may_dispose('LEDGERS', (
        SELECT date_trunc('month', planned_from AT TIME ZONE 'Asia/Tokyo')::date FROM audit_workentry WHERE id = OLD.entry_id
    )) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit_workchange is insert-only (SEC-02)' USING ERRCODE = 'insufficient_privilege';
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [("audit", "0008_retention")]

    operations = [
        migrations.RemoveConstraint(model_name="disposal", name="disposal_once"),
        migrations.AddConstraint(
            model_name="disposal",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "PROPOSED")), fields=("kind", "month"), name="disposal_one_proposal"
            ),
        ),
        migrations.RenameField(model_name="disposal", old_name="batches", new_name="gone"),
        migrations.AlterField(
            model_name="disposal", name="gone", field=models.JSONField(blank=True, default=dict)
        ),
        migrations.AlterField(
            model_name="disposal",
            name="kind",
            field=models.CharField(choices=_KINDS, max_length=12, verbose_name="kind of record"),
        ),
        migrations.AlterField(
            model_name="hold",
            name="kind",
            field=models.CharField(choices=_KINDS, max_length=12, verbose_name="kind of record"),
        ),
        migrations.AlterField(
            model_name="retentionrule",
            name="kind",
            field=models.CharField(choices=_KINDS, max_length=12, unique=True, verbose_name="kind of record"),
        ),
        migrations.RunSQL(
            RULES, "DELETE FROM audit_retentionrule WHERE kind IN ('SESSIONS', 'LEDGERS')"
        ),
        migrations.RunSQL(MAY_DISPOSE, migrations.RunSQL.noop),
    ]
