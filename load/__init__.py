"""Load scenarios: transactions posted by Locust's users, and a count of what became of each of them.

`python -m load` lists the scenarios. Locust lives in an environment of its own, `.venv-load`, and runs as a process of
its own: it changes sockets and threads of the process that imports it.
"""
