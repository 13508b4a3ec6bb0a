"""What can go wrong in an inventory, in words that screens and the API translate."""

from __future__ import annotations


class InventoryError(Exception):
    """Base of this app's errors."""


class CampaignClosed(InventoryError):
    """No decisions are taken any more (409)."""


class NotDue(InventoryError):
    """The date of the campaign has not passed: it cannot be closed yet (409)."""


class LinkInvalid(InventoryError):
    """The mailed link was used, is too old, or never was one (404)."""


class TooManyAttempts(InventoryError):
    """Too many wrong links from one address: wait an hour (429)."""
