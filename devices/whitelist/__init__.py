"""The MAC whitelist of the unauthorised-connection guard (MAC-01 … MAC-07)."""
