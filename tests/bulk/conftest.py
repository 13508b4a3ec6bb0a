"""A directory in memory for the tests of bulk application."""

from tests.accounts.conftest import directory, post

__all__ = ["directory", "post"]
