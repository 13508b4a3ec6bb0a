"""The FAQ: answers of general use, published by operations after a second person read them (REQ-11)."""
