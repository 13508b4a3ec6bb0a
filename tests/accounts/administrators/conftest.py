"""The directory and the post office of the account tests."""

from tests.accounts import conftest

directory = conftest.directory
post = conftest.post
