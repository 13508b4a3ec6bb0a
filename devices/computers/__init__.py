"""PCs, servers and printers of a federation: what device permits and whitelist entries refer to."""
