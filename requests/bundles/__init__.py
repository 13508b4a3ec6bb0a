"""PC bundles: 設置, 交換 and 撤去 of machines as one form that opens the linked applications and is done when all are (REQ-13)."""
