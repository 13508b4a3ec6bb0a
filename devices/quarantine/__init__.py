"""What the PC quarantine found, imported by file and shown; nothing is decided here (MAC-03, MAC-08, T 2-42, T 2-43)."""
