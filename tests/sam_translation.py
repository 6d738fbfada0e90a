"""Translate a SAM template as CloudFormation does, in the local cloud's environment, which has SAM's translator.

.venv-cloud/bin/python -m tests.sam_translation <templates.json
"""

import json
import logging
import sys
import time

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator


def main() -> None:
    given = json.load(sys.stdin)
    defaults = {name: one.get("Default", name) for name, one in given["template"]["Parameters"].items()}
    logging.disable()
    now = time.time()
    found = []
    for number, parameters in enumerate(given["parameters"]):
        time.time = lambda minute=number: now + 60 * minute
        template = json.loads(json.dumps(given["template"]))  # it is changed in place
        translator = Translator({}, Parser(), boto_session=boto3.session.Session(region_name="us-east-2"))
        found.append(translator.translate(template, defaults | parameters))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
