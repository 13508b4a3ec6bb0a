"""Enquiries (問合せ): a federation asks, operations or the central association answer (REQ-11, docs/adr/0035)."""
