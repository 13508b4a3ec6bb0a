"""Dormant accounts (ACC-14): each month who did not log on for half a year, and what their federations answer."""
