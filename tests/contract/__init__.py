"""What the portal relies on in systems outside, run against every server that may stand there."""
