"""How initial passwords reach their person, and what becomes of those that nobody uses (ACC-08 to ACC-10, docs/adr/0016)."""
