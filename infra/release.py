"""Release the app: package it, upload the package to the artifacts bucket, create or update the app stack.

    python -m infra.release --stage prod
    python -m infra.release --stage prod --list
    python -m infra.release --stage prod --to 3f0c2a91d4be

While CloudFormation updates the stack, and for `--watch` minutes after it, an alarm of the stage rolls the update back.
Then a smoke test asks the API, also for what it must refuse. `--to` goes back to an earlier release without building,
and unwatched: the alarm for which one goes back is on, and would roll that back too.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra.command_line import open_stage, run, stage_parser
from infra.concurrency import check_reserved, limit_of
from infra.gateway import attach_plans
from infra.package import PROJECT_DIR, copy_project, package
from infra.provision import check_stage, record, with_arns
from infra.releases import SHORT, Releases
from infra.shards import tell_readers
from infra.sign_in import console_urls, enter_console
from infra.smoke import smoke_test
from infra.stacks import StackFailed, deploy, outputs, rollback_on, stack_name

WATCH_MINUTES, MAX_WATCH_MINUTES = 5, 180
# CloudFormation takes five. These go off when a release is at fault, and go out by themselves; an alarm about dead
# letters would keep the release that mends their cause from going out.
ROLLBACK_ALARMS = ("ApiErrors", "StreamErrors", "MailerErrors", "IngestWorkerErrors", "AnalyticsErrors")

# The template's parameters for what is reserved, and for which function.
RESERVABLE = {"ApiConcurrency": "API", "AlertMailerConcurrency": "alert mailer"}


def main(arguments: list[str] | None = None) -> int:
    parser = stage_parser(
        "infra.release", __doc__, required_stage="a provisioned stage of .chalice/config.json: dev, prod"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--to", metavar="HASH", help="go back to the stored release whose hash begins so")
    what.add_argument("--list", action="store_true", help="list the stored releases, newest first")
    parser.add_argument(
        "--watch",
        metavar="MINUTES",
        type=_minutes,
        help=f"how long an alarm still rolls the release back, at most {MAX_WATCH_MINUTES}; with 0 none does, also not"
        f" one that is on already; default: {WATCH_MINUTES}, and 0 with --to",
    )
    parser.add_argument(
        "--waf",
        choices=("on", "off"),
        help="associate the template's web ACL with the API; kept until it is given again, and off at first",
    )
    parser.add_argument(
        "--tracing",
        choices=("on", "off"),
        help="have API Gateway and Lambda trace requests in X-Ray; kept until it is given again, and off at first",
    )
    parser.add_argument(
        "--snap-start",
        choices=("on", "off"),
        help="start the API function from a snapshot (Python 3.12 and later); kept until it is given again, and off at"
        " first",
    )
    for name, function in RESERVABLE.items():
        parser.add_argument(
            f"--reserve-{function.lower().replace(' ', '-')}",
            metavar="NUMBER",
            dest=name,
            type=int,
            help=f"how many of the account's concurrent executions only the {function} may use; kept until it is given"
            " again",
        )
    options = parser.parse_args(arguments)
    return run("release", lambda: _list(options) if options.list else _release(options))


def _minutes(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_WATCH_MINUTES):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to {MAX_WATCH_MINUTES}")
    return int(text)


def _watched(options: argparse.Namespace) -> int:
    """Return for how many minutes this release is watched."""
    if options.watch is not None:
        return int(options.watch)
    return 0 if options.to else WATCH_MINUTES


def _list(options: argparse.Namespace) -> int:
    stage = open_stage(options)
    print(f"{'release':{SHORT}}  stored (UTC)")
    for found in Releases(stage.session.client("s3"), stage.output("ArtifactsBucket")).listed():
        print(f"{found.hash[:SHORT]}  {found.stored_at:%Y-%m-%d %H:%M:%S}")
    return 0


def _release(options: argparse.Namespace) -> int:
    check_stage(PROJECT_DIR, options.stage)
    stage = open_stage(options)
    reserved = {name: vars(options)[name] for name in RESERVABLE if vars(options)[name] is not None}
    if reserved:
        named = {RESERVABLE[name]: number for name, number in reserved.items()}
        check_reserved(named, limit_of(stage.session.client("lambda")))
    released = release(
        stage.session,
        stage.name,
        PROJECT_DIR / ".local" / "build" / stage.name,
        report=print,
        to=options.to,
        watch_minutes=_watched(options),
        reserved=reserved,
        switches={"Waf": options.waf, "Tracing": options.tracing, "SnapStart": options.snap_start},
    )
    url = released["EndpointURL"]
    urls = console_urls(url, stage.outputs.get("PublicUrl", ""))
    enter_console(stage.session.client("cognito-idp"), stage.outputs.get("StaffPool", ""), urls)
    wrong = smoke_test(url)
    if wrong:
        raise StackFailed(
            f"the release is out, but its smoke test failed: {'; '.join(wrong)}. Go back with `--to` and an earlier"
            f" release, which `python -m infra.release --stage {stage.name} --list` shows."
        )
    print(f"\nStage {stage.name} is released: {url}")
    return 0


def release(
    session: Any,
    stage: str,
    build: Path,
    report: Callable[[str], None] = lambda _: None,
    poll_s: float = 2.0,
    overrides: Mapping[str, str] | None = None,
    adjust: Callable[[dict[str, Any]], None] = lambda _: None,
    to: str | None = None,
    watch_minutes: int = 0,
    reserved: Mapping[str, int] | None = None,
    switches: Mapping[str, str | None] | None = None,
) -> dict[str, str]:
    """Package the app in the folder `build` and deploy it to a provisioned stage; return the app stack's outputs.

    With `to`, the stored release whose hash begins so is deployed, and nothing is built. In the update and for
    `watch_minutes` after it, one of the stage's alarms rolls it back; with 0, none does. `reserved` sets parameters of
    `RESERVABLE`, and `switches` parameters that are on or off; the others keep their values. For a cloud that isn't
    AWS, `overrides` replaces outputs of the data stack, and `adjust` changes the packaged template. Raises StackFailed,
    PackagingFailed, TemporarilyUnavailable.
    """
    cloudformation = session.client("cloudformation")
    data = {**with_arns(outputs(cloudformation, stack_name(stage, "data"))), **(overrides or {})}
    releases = Releases(session.client("s3"), data["ArtifactsBucket"])
    if to is None:
        report("packaging (the first time takes a minute, to download the requirements for Lambda)")
        copy_project(build)
        record(build, stage, data)
        released = releases.store(package(build, stage, data["Region"]), adjust)
    else:
        released = releases.find(to)
    report(f"release {released[:SHORT]}")
    name = stack_name(stage, "app")
    template = releases.template(released)
    # An earlier release knows fewer parameters than the data stack has values for.
    known = cloudformation.get_template_summary(**template).get("Parameters", ())
    parameters = [parameter["ParameterKey"] for parameter in known]
    # Again: provisioning may have changed the stack and then failed. Writers must never be ahead of readers.
    tell_readers(session.client("dynamodb"), data)
    chosen = {**_texts(reserved or {}), **{name: value for name, value in (switches or {}).items() if value}}
    outputs_of_app = deploy(
        cloudformation,
        name,
        template,
        {**{name: data[name] for name in parameters if name in data}, **chosen},
        report=report,
        poll_s=poll_s,
        rollback=rollback_on(cloudformation, name, ROLLBACK_ALARMS, watch_minutes),
    )
    attach_plans(session.client("apigateway"), stage, outputs_of_app["RestAPIId"])
    return outputs_of_app


def _texts(numbers: Mapping[str, int]) -> dict[str, str]:
    return {name: str(number) for name, number in numbers.items()}


if __name__ == "__main__":
    sys.exit(main())
