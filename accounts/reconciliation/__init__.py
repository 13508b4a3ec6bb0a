"""Reconciliation of accounts: approved state, last written state and AD now (docs/adr/0017)."""
