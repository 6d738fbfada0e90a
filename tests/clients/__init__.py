"""The proof that the usual generators make clients of the description that compile and work: `make clients`."""
