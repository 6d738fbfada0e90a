"""A bank that calls the API over HTTP: `python -m bank_simulator --help`."""
