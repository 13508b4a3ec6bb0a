"""Sessions are looked for within one run: what was kept to find them among those of all years cost each run half a second."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0015_quick_sizes"), ("orgs", "0007_token_scope")]

    operations = [
        migrations.RemoveIndex(model_name="mismatch", name="mismatch_search"),
        migrations.RemoveIndex(model_name="mismatch", name="mismatch_grams"),
        migrations.AlterField(
            model_name="mismatch",
            name="organisation",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="orgs.organisation",
            ),
        ),
        migrations.AlterField(
            model_name="mismatch",
            name="reconciliation",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="mismatches",
                to="audit.reconciliation",
            ),
        ),
    ]
