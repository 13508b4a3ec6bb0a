from django.db import migrations, models

_CHOICES = [
    ("WHITELIST", "Pull the whitelist only (for a guard)"),
    ("READ", "Read only: everything I may see, change nothing"),
    ("EVERYTHING", "Everything I may do, also apply and decide"),
]


def _scope(default):
    return models.CharField(choices=_CHOICES, default=default, max_length=12, verbose_name="scope")


class Migration(migrations.Migration):
    """A token has a scope. Those that exist keep what they could do; a new one can do less unless somebody says so."""

    dependencies = [("orgs", "0006_password_changes")]

    operations = [
        migrations.AddField("apitoken", "scope", _scope("EVERYTHING")),
        migrations.AlterField("apitoken", "scope", _scope("READ")),
    ]
