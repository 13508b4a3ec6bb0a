"""Segments and VLANs of 独自処理システム: applied for by federations, allotted by the central association (REQ-09)."""
