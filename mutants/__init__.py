"""Mutation testing: small changes of the core modules' code, one at a time, each of which some test must notice.

Door: `python -m mutants` (`make mutants`).
"""
