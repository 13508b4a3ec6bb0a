"""Invented people, organisations' staff and applications for demonstrations, tests and measurements."""
