"""Registers the mail inbox pages for the local and the test settings."""

from django.apps import AppConfig


class EmbeddedConfig(AppConfig):
    """The embedded servers' own pages (the mail inbox under /_mail/)."""

    name = "portal.embedded"
    label = "embedded"
