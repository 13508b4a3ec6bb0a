"""Ports to the systems outside the portal, and one adapter for each."""
