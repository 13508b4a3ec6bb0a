"""The forgotten password (パスワードリマインダ, ACC-11): mailed code, second factor, new password; see docs/adr/0015."""
