"""The HTTP API: a module for each resource, from a request to its answer, and the holder's pages.

Doors: one module a resource (`transactions`, `holders`, …). `problems` turns errors into answers.
"""
