"""The fault tests work in the lab."""

from tests import lab as servers

lab = servers.lab
either_lab = servers.either_lab
