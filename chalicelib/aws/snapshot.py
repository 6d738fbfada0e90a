"""What a function does around a SnapStart snapshot: one snapshot becomes many functions, maybe hours later.

Lambda's runtime has `snapshot_restore_py` from Python 3.12 on, and calls what is registered there ("Lambda SnapStart
runtime hooks for Python", AWS Lambda Developer Guide). Elsewhere nothing is registered.
"""

import os
import random
from collections.abc import Callable, Mapping

from chalicelib.aws import clients


def register(
    load: Callable[[], object], renew: Callable[[], object], environment: Mapping[str, str] = os.environ
) -> None:
    """Have `load` called before the snapshot, and `renew` after each restore, if there is to be a snapshot.

    `renew` gives up what the caller has kept. Clients, with their connections and credentials, and the state of
    `random`, from which the waits between retries come, are renewed here.
    """
    if environment.get("AWS_LAMBDA_INITIALIZATION_TYPE") != "snap-start":
        return
    from snapshot_restore_py import register_after_restore, register_before_snapshot

    def restored() -> None:
        clients.forget()
        random.seed()  # from the operating system: else all functions of one snapshot would wait alike
        renew()

    register_before_snapshot(load)
    register_after_restore(restored)
