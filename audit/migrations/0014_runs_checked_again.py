"""Since when a run of the reconciliation is known to be what rows and works would still give."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0013_files_without_rows")]

    operations = [
        migrations.AddField(
            model_name="reconciliation", name="checked_at", field=models.DateTimeField(blank=True, null=True)
        )
    ]
