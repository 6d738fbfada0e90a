"""The libraries that the console loads: their versions and hashes, and the command that takes them from npm."""
