"""The demo directory: a small LDAP server with the rules of Active Directory that the portal depends on.

It speaks LDAP over TLS only and keeps its data in a folder. What it must do and must refuse is written down as the
contract tests, which run against it and against Samba AD alike.

    with DemoDirectory("var/directory") as directory:
        os.environ.update(directory.env)

From the shell: python -m portal.embedded.directory --dir var/directory --port 6636 --seed
"""

from portal.embedded.directory.server import DemoDirectory, DirectoryInUse

__all__ = ["DemoDirectory", "DirectoryInUse"]
