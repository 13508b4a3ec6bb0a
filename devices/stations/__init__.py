"""The consoles 管理機(SC) of a federation: designated by dated rows, never none (DEV-09, DEV-10)."""
