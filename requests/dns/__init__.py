"""The DNS ticket: records added, changed and deleted (REQ-05)."""
