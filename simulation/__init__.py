"""The whole system in one process, on a virtual clock, with an AWS that misbehaves as AWS may.

`python -m simulation --help` runs it. A run has a seed: it decides what the banks post, in which order everything
happens, which calls are throttled, lost or repeated, and which functions die in between. The same seed gives the same
run. The functions are the real ones of `app.py`; only AWS's services are imitated.

Doors: `run` makes one run, `promises` says what must hold in it, `guards` takes one guard of the code out and looks
whether the promises notice it.
"""
