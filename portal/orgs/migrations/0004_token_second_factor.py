from django.db import migrations, models


class Migration(migrations.Migration):
    """A token says whether a second factor was proven when it was made."""

    dependencies = [("orgs", "0003_ended_at")]

    operations = [
        migrations.AddField(
            model_name="apitoken", name="second_factor", field=models.BooleanField(default=False)
        ),
    ]
