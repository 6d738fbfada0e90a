"""Prints what the gate costs: conditional puts a second, at the bare emulator and through the gate.

python -m tests.local_cloud.gate_cost
"""

import statistics
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local_cloud.server import free_port, start
from tests.local_cloud.refusals import Scene

ROUNDS, PUTS = 5, 400


def puts_a_second(scene: Scene, clients: int) -> float:
    client = scene.aws("dynamodb")

    def put(_: int) -> None:
        item = {"pk": {"S": str(uuid.uuid4())}, "sk": {"S": "s"}, "text": {"S": "x" * 300}}
        client.put_item(TableName="items", Item=item, ConditionExpression="attribute_not_exists(pk)")

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(put, range(PUTS)))
    return PUTS / (time.perf_counter() - began)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        clouds = {gate: start(free_port(), Path(folder) / str(gate), gate=gate) for gate in (False, True)}
        try:
            scenes = {gate: Scene(cloud) for gate, cloud in clouds.items()}
            for clients in (1, 4):
                # In turns, so that what else the machine does weighs on both.
                rates = [[puts_a_second(scenes[gate], clients) for gate in (False, True)] for _ in range(ROUNDS)]
                bare, gated = (statistics.median(column) for column in zip(*rates, strict=True))
                print(f"{clients} clients: bare {bare:.0f}/s, gate {gated:.0f}/s, {1 - gated / bare:.0%} slower")
        finally:
            for cloud in clouds.values():
                cloud.stop()


if __name__ == "__main__":
    main()
