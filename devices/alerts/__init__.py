"""Alerts of SKYSEA (T 2-35): imported, tied to permit and machine, followed up until answered (DEV-08)."""
