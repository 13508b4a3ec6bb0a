"""Unlocking accounts (アカウントロック解除, REQ-04): applications, the screen of operations, the register; docs/adr/0031 says why so."""
