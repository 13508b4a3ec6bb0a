def register_all() -> None:
    """Register the kinds of this app."""
