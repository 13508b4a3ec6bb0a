"""What a federation changes itself and only records: L2SW ports and the policy of 独自処理システム (REQ-14, T 2-10, T 2-27)."""
