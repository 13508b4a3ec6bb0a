"""The register of DNS zones and of the records that the servers hold in them (REQ-05)."""
