"""The register exchanged with SKYSEA by file, both ways, through a mapping kept as data (DEV-13, ADR 0022)."""
