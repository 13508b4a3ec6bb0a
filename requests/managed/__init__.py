"""Machines under a service of the common network: managed antivirus machines (REQ-07) and monitored ones (REQ-08)."""
