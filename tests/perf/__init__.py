"""`make bench`: how fast the portal is, as ratios to a reference measured in the same run. Nothing here asserts a time."""
