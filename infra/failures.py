"""The failure that every command reports in the same way."""


class CommandFailed(Exception):
    """A command can't do its work. The message is one line for the operator: why, and what to do."""
