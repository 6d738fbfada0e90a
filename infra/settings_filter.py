"""A git clean filter: `.chalice/config.json` without the environments that provisioning recorded in it.

`make provision` sets up the filter for the clone; `.gitattributes` names the file. With it, `git status` stays clean,
and the names of an account's resources can't be committed.
"""

import json
import sys


def without_environments(text: str) -> str:
    """Return the configuration without any stage's environment_variables."""
    config = json.loads(text)
    for stage in config["stages"].values():
        stage.pop("environment_variables", None)
    return json.dumps(config, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(without_environments(sys.stdin.read()))
