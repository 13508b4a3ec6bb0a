"""The trail is insert-only (SEC-02)."""

from django.db import migrations

from portal.common.models import insert_only


class Migration(migrations.Migration):
    dependencies = [("trail", "0001_initial")]
    operations = [insert_only("trail_trailentry")]
