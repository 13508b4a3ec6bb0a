"""The whitelist on its way to the guard: versions, four forms, publication with proof, monitor mode (MAC-04, MAC-07)."""
