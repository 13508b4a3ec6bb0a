"""A tenth of the usual sample when an import has ended: enough to tell how large a month is, and done before anybody waits."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("audit", "0014_runs_checked_again")]

    operations = [
        migrations.RunSQL(
            "ALTER FUNCTION audit_logrow_analyse(date, date) SET default_statistics_target = 10",
            "ALTER FUNCTION audit_logrow_analyse(date, date) RESET default_statistics_target",
        )
    ]
