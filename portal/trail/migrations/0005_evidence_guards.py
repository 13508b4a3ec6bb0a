"""The evidence log is insert-only, and the role that serves the portal has no right to try (SEC-02)."""

from django.db import migrations

from portal.common.models import insert_only

# The field-level history of django-auditlog has no guard of its own.
_TABLES = ("auditlog_logentry", "trail_leaf", "trail_sealbatch", "trail_checkpoint", "trail_treenode")
_NAMES = ", ".join((*_TABLES, "trail_trailentry"))
_REVOKE = f"""
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'portal_web') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON {_NAMES} FROM portal_web;
    END IF;
END $$;
"""
_GRANT = _REVOKE.replace("REVOKE UPDATE, DELETE, TRUNCATE", "GRANT UPDATE, DELETE").replace("FROM portal_web", "TO portal_web")


class Migration(migrations.Migration):
    dependencies = [("trail", "0004_evidence"), ("auditlog", "0017_add_actor_email")]
    operations = [*(insert_only(table) for table in _TABLES), migrations.RunSQL(_REVOKE, reverse_sql=_GRANT)]
