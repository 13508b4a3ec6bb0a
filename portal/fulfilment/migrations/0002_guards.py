"""The history of operations is insert-only (SEC-02)."""

from django.db import migrations

from portal.common.models import insert_only


class Migration(migrations.Migration):
    dependencies = [("fulfilment", "0001_initial")]
    operations = [insert_only("fulfilment_operationevent")]
