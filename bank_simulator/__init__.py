"""A bank that drives the API over HTTP, as banks do: `python -m bank_simulator --help`."""
