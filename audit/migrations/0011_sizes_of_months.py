"""What PostgreSQL knows of the sizes of a month, looked at when an import has ended."""

from django.db import migrations

# With the rights of the owner, because the web role owns no tables; otherwise nothing that it could not ask for itself.
ANALYSE = """
CREATE FUNCTION audit_logrow_analyse(since date, until date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT c.relname FROM generate_series(date_trunc('month', since::timestamp), until::timestamp, interval '1 month') month,
            unnest(ARRAY['audit_logrow_numbers', 'audit_logrow_other']) above
        JOIN pg_class c ON true
        WHERE c.oid = to_regclass(above || to_char(month, '_YYYY_MM')) ORDER BY 1
    LOOP
        EXECUTE format('ANALYZE %I', name);
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0010_quick_lookups")]

    operations = [migrations.RunSQL(ANALYSE, "DROP FUNCTION audit_logrow_analyse(date, date)")]
