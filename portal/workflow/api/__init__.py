"""Applications over REST: the same services, the same selectors and the same rules as the screens."""
