"""Since when a run of the reconciliation is known to be what rows and works would still give."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0011_sizes_of_months")]

    operations = [
        migrations.AddField(
            model_name="reconciliation", name="checked_at", field=models.DateTimeField(blank=True, null=True)
        )
    ]
