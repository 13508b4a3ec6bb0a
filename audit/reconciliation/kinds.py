"""The two logs, as rows, works and layouts name them. Without Django: files are read in a process that knows nothing of it."""

DATABASE, TAKEOUT = "DATABASE", "TAKEOUT"
