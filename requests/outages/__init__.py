"""Planned outages (計画停止): planned, announced, confirmed by the named persons, reported (REQ-10)."""
