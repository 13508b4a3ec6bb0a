"""Lists that a federation answers line by line, round after round: the dormant accounts of a month, the devices of a quarter."""
