"""The quarterly inventory of devices (棚卸し, DEV-07)."""
