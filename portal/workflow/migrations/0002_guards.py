"""Numbers come from a sequence; the history is insert-only (SEC-02)."""

from django.db import migrations

from portal.common.models import insert_only


class Migration(migrations.Migration):
    dependencies = [("workflow", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE workflow_application_number", "DROP SEQUENCE workflow_application_number"
        ),
        insert_only("workflow_applicationevent"),
    ]
