"""The catalogue of services: every row of tables 2-1 and 2-2, and what can be applied for. A new application begins here."""
