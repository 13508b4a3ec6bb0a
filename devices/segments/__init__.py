"""Network segments of the federations, registered by operations."""
