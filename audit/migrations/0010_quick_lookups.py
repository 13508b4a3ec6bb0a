"""Indexes for what the home page asks of held lines, and the overview of the newest words of sessions."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0009_disposal_of_the_rest'),
        ('orgs', '0007_token_scope'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='heldline',
            name='heldline_key',
        ),
        migrations.AlterField(
            model_name='mismatchreason',
            name='mismatch',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='reasons', to='audit.mismatch'),
        ),
        migrations.AddIndex(
            model_name='heldline',
            index=models.Index(fields=['key', 'event_at'], name='heldline_key_time'),
        ),
        migrations.AddIndex(
            model_name='mismatchreason',
            index=models.Index(fields=['mismatch', '-id'], include=('code',), name='mismatchreason_newest'),
        ),
    ]
