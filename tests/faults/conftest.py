"""The fault tests work in the lab."""

from tests import lab as servers

demo_lab = servers.demo_lab
lab = servers.lab
either_lab = servers.either_lab
