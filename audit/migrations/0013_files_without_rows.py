"""Files of logs that brought no row go too: by their upload where they have no last row, and never before it (AUD-09)."""

from django.db import migrations

_GUARD = """
CREATE OR REPLACE FUNCTION audit_logchunk_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.data = ''::bytea THEN
        NEW.data := OLD.data;
        IF NEW = OLD AND audit_may_dispose('NUMBER_LOGS', (
            SELECT date_trunc('month', {moment} AT TIME ZONE 'Asia/Tokyo')::date FROM audit_logimport WHERE id = OLD.log_import_id
        )) THEN
            NEW.data := '';
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit_logchunk is insert-only (SEC-02)' USING ERRCODE = 'insufficient_privilege';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0012_mails_of_each_report")]

    operations = [
        migrations.RunSQL(
            _GUARD.format(moment="greatest(last_at, uploaded_at)"), _GUARD.format(moment="last_at")
        )
    ]
