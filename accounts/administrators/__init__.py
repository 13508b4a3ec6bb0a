"""管理者アカウント: accounts that apply and approve in this portal, with the roles they carry (ACC-01, docs/adr/0012)."""
