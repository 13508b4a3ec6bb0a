"""Bulk application by Excel or CSV (ACC-13, docs/adr/0013): a file becomes the lines of one application."""
