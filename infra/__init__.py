"""The infrastructure: CloudFormation templates, roles' policies, and the commands that provision and release a stage.

Operators' commands are in `operations`, and `openapi` makes the API's description. Both were part of this package
before: the old name of a command prints the new name.
"""

import sys

RENAMED = {
    "archive": "operations.archive",
    "back_test": "operations.settings_trial",
    "banks": "operations.banks",
    "dead_letters": "operations.dead_letters",
    "links": "operations.links",
    "openapi": "openapi",
    "reconcile": "operations.reconcile",
    "webhooks": "operations.webhooks",
}

# Python imports this package before it looks for the command's module, which no longer exists.
if sys.argv[:1] == ["-m"]:
    _command = sys.orig_argv[sys.orig_argv.index("-m") + 1]
    _new = RENAMED.get(_command.removeprefix("infra."))
    if _command.startswith("infra.") and _new:
        sys.exit(f"{_command} is now {_new}: run `python -m {_new}`.")
