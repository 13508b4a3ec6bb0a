"""Kinds of machines, operating systems and business systems: what can be chosen, from when until when (DEV-11)."""
