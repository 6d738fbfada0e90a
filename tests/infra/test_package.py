"""The release package: only what ships, all that it needs, the same bytes for the same contents."""

import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from infra.package import PROJECT_DIR, SERVICES, copy_project, package, ships
from infra.provision import record, with_arns
from infra.wheels import RUNTIME, Target, WheelsMissing, install, target_of
from tests import wheels
from tests.cloud import BUILD
from tests.conftest import SETTINGS
from tests.tables import template_outputs

pytestmark = pytest.mark.cloud
ELF_AARCH64 = 183


@pytest.fixture(scope="module")
def packaged() -> Path:
    """The folder with a packaged prod stage; the wheels are those of the local cloud's build."""
    build = BUILD.with_name("package-test")
    copy_project(build)
    wheels.share(build)
    # Any ARN and URL will do where nothing is called; the shape is the data stack's.
    arn = "arn:aws:dynamodb:us-east-2:123456789012:table/example/stream/2026-01-01T00:00:00.000"
    url = "https://sqs.us-east-2.amazonaws.com/123456789012/example"
    outputs = {name: url if name.endswith("QueueUrl") else arn for name in template_outputs()}
    outputs |= {"Stage": "local", "MailFrom": "A <a@example.com>"}
    record(build, "local", with_arns(outputs))
    with pytest.MonkeyPatch.context() as environment:  # as most machines have it
        environment.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        return package(build, "local", "us-east-2")


def test_each_file_is_in_the_package_once(packaged: Path) -> None:
    with zipfile.ZipFile(packaged / "deployment.zip") as archive:
        names = archive.namelist()
    assert len(names) == len(set(names))


def test_checkov_finds_nothing_in_the_templates(packaged: Path) -> None:
    command = [".venv-checkov/bin/checkov", "--config-file", "infra/checkov/config.yaml", "--file", "infra/data.yaml"]
    done = subprocess.run([*command, packaged / "sam.json"], cwd=PROJECT_DIR, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"^Passed checks: (\d+), Failed checks: 0,", done.stdout, re.MULTILINE)
    assert passed
    assert int(passed[1]) > 200, "40 are of the data stack"


def test_every_function_s_handler_is_found_in_a_bare_environment(packaged: Path, tmp_path: Path) -> None:
    # Python alone, the zip and the settings: a requirement that is not shipped fails here as it would on Lambda.
    with zipfile.ZipFile(packaged / "deployment.zip") as archive:
        archive.extractall(tmp_path / "task")
    venv.create(tmp_path / "bare", with_pip=False)
    program = (
        "import app\n"
        "for name in ('app', 'ingest_worker', 'transaction_stream', 'archiver', 'mailer', 'alert_mailer',"
        " 'holder_changes', 'operator_alerts', 'feedback', 'webhook_feeder', 'webhook_sender', 'analytics_job',"
        " 'nightly_reconciliation', 'release_deferred', 'statements'):\n"
        "    assert callable(getattr(app, name))\n"
        "parts = 'banks holders intake signatures ingest_worker stream_handler archiver'\n"
        "parts += ' analytics_job analytics reconciliation operator_alerts bank_settings flags'\n"
        "parts += ' release statement_index links feedback notification_records notification_feed enrolment'\n"
        "parts += ' mailer alert_mailer statements webhook_feeder webhook_sender preferences_page'\n"
        "parts += ' change_teller'\n"
        "for part in parts.split():\n"
        "    assert getattr(app.services, part)\n"
        "from chalicelib.api import documentation, preferences_html\n"
        "for name in documentation.ASSETS:\n"
        "    assert documentation._version(name)\n"
        "from chalicelib.holders import conventions\n"
        "from chalicelib.mail import parts\n"
        "assert preferences_html.general_page('invalid') and preferences_html.style_hash()\n"
        "for locale in ('fr', 'en'):\n"
        "    assert parts.phrases_of(locale) and conventions.locale_of(locale).currency_formats\n"
        "    assert conventions.country('CM', locale) != 'CM'\n"
        "for region in ('fr_CM', 'fr_CA', 'en_GB', 'en_CM', 'en_001', 'en_US'):\n"
        "    assert str(conventions.locale_of(region.replace('_', '-'))) == region\n"
        "assert conventions.zone_of('Africa/Douala', 'fr-CM') == 'heure du Cameroun'\n"
        "print('all found')"
    )
    environment = {**SETTINGS, "AWS_DEFAULT_REGION": "us-east-2", "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [tmp_path / "bare" / "bin" / "python", "-I", "-c", f"import sys; sys.path.insert(0, '.')\n{program}"],
        cwd=tmp_path / "task",
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "all found", done.stderr


def test_the_zip_is_small_and_packaged_again_elsewhere_it_is_the_same_bytes(packaged: Path, tmp_path: Path) -> None:
    assert (packaged / "deployment.zip").stat().st_size < 16_000_000  # 5 MB of it are `cryptography`
    elsewhere = tmp_path / "elsewhere"
    copy_project(elsewhere)
    shutil.copytree(packaged.parent / ".chalice", elsewhere / ".chalice", dirs_exist_ok=True)
    shutil.rmtree(elsewhere / ".chalice" / "deployments", ignore_errors=True)
    shutil.copytree(packaged.parent / "vendor", elsewhere / "vendor")
    shutil.copy(packaged.parent / "vendor.installed", elsewhere)
    again = package(elsewhere, "local", "us-east-2")
    for name in ("deployment.zip", "sam.json"):
        assert (again / name).read_bytes() == (packaged / name).read_bytes(), name


def test_a_function_compiles_nothing_when_it_starts(packaged: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(packaged / "deployment.zip") as archive:
        archive.extractall(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    program = (
        "import sys, importlib._bootstrap_external as loading\n"
        "compiled = []\n"
        "def note(self, data, path, **options):\n"
        "    compiled.append(path)\n"
        "    return compile(data, path, 'exec')\n"
        "loading.SourceLoader.source_to_code = note\n"
        "sys.path.insert(0, '.')\n"
        "import app\n"
        "for part in ('intake', 'stream_handler', 'mailer', 'analytics_job', 'webhook_sender', 'preferences_page'):\n"
        "    assert getattr(app.services, part)\n"
        "print(len(sys.modules) > 400, compiled)"
    )
    environment = {**SETTINGS, "AWS_DEFAULT_REGION": "us-east-2", "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-S", "-I", "-B", "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == "True []", done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_data_is_shipped_for_exactly_the_services_whose_clients_are_made() -> None:
    sources = "".join(path.read_text() for path in (PROJECT_DIR / "chalicelib").glob("*.py"))
    assert set(re.findall(r"client\(\"(\w+)\"\)", sources)) == SERVICES


def test_what_is_left_out_is_data_that_nothing_reads() -> None:
    assert not ships("botocore/data/ec2/2016-11-15/service-2.json.gz")
    assert not ships("babel/locale-data/de.dat")
    assert not ships("aws_lambda_powertools/event_handler/api_gateway.py")
    assert not ships("aws_lambda_powertools/event_handler/openapi/swagger_ui/swagger-ui-bundle.min.js")
    for needed in (
        "botocore/data/dynamodb/2012-08-10/service-2.json.gz",
        "botocore/data/endpoints.json",
        "botocore/data/partitions.json",
        "babel/locale-data/root.dat",
        "babel/locale-data/fr_CM.dat",
        "babel/locale-data/en_GB.dat",
        "babel/locale-data/en_001.dat",
        "babel/global.dat",
        "chalicelib/mail/templates/fr.toml",
        "chalicelib/api/openapi.json",
        "chalicelib/api/pages/docs.html",
        "chalicelib/api/pages/docs.css",
        "chalicelib/api/pages/docs.js",
        "chalicelib/api/console_files/console.html",
        "chalicelib/api/console_files/icon.svg",
        "chalicelib/api/console_files/vendor-oidc.js",
        "app.py",
    ):
        assert ships(needed), needed


def test_the_packaged_template_passes_cfn_lint(packaged: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), packaged / "sam.json"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_the_release_adds_what_chalice_deploy_cannot(packaged: Path) -> None:
    resources = json.loads((packaged / "sam.json").read_text())["Resources"]
    events = resources["TransactionStream"]["Properties"]["Events"]
    stream = events["TransactionStreamDynamodbEventSource"]["Properties"]
    assert stream["BisectBatchOnFunctionError"] is True
    # The records whole; a queue would get only their numbers.
    assert stream["DestinationConfig"]["OnFailure"]["Type"] == "S3"
    archive = resources["Archiver"]["Properties"]["Events"]["ArchiverDynamodbEventSource"]["Properties"]
    assert (archive["BatchSize"], archive["MaximumBatchingWindowInSeconds"]) == (5000, 300)
    assert archive["BisectBatchOnFunctionError"] is True
    assert archive["DestinationConfig"]["OnFailure"]["Type"] == "S3"
    ingest = resources["IngestWorker"]["Properties"]
    assert ingest["Events"]["IngestWorkerSqsEventSource"]["Properties"]["FunctionResponseTypes"] == [
        "ReportBatchItemFailures"
    ]
    assert ingest["Environment"]["Variables"]["PARTIAL_BATCH_RESPONSES"] == "true"
    assert ingest["Environment"]["Variables"]["TRANSACTIONS_TABLE"]  # merged, not replaced
    # Links in e-mails begin with it; only CloudFormation knows it in time.
    for function in ("Mailer", "AlertMailer", "Statements"):
        url = resources[function]["Properties"]["Environment"]["Variables"]["API_URL"]
        assert url == {"Fn::Sub": "https://${RestAPI}.execute-api.${AWS::Region}.${AWS::URLSuffix}/${Stage}"}
    # Who reads what feedback notes changes first: the last release's feeder would take a delivery for none.
    assert {"APIHandler", "WebhookFeeder"} <= set(resources["Feedback"]["DependsOn"])
    api = resources["RestAPI"]["Properties"]
    assert api["OpenApiVersion"] == "2.0"
    assert {"THROTTLED", "INVALID_API_KEY", "DEFAULT_4XX", "DEFAULT_5XX"} <= set(api["GatewayResponses"])
    assert api["AccessLogSetting"]
    assert api["MethodSettings"]
    alarms = {name for name, resource in resources.items() if resource["Type"] == "AWS::CloudWatch::Alarm"}
    assert {"DeadLettersOfMailer", "DeadLettersOfStream", "StreamErrors", "StreamLate"} <= alarms
    assert {"NotificationsLate", "ApiErrors", "AnalyticsErrors", "ArchiverErrors", "ArchiveLate"} <= alarms
    assert {"DeadLettersOfIngest", "IngestLate"} <= alarms
    assert {
        "RollUpsDiffer",
        "ReconciliationErrors",
        "AlertsLate",
        "DeadLettersOfOperatorAlerts",
        "ReleaseErrors",
        "StatementErrors",
    } <= alarms
    assert {"DeadLettersOfFeedback", "FeedbackLate"} <= alarms
    assert "HolderChangesErrors" in alarms
    assert {"DeadLettersOfWebhooks", "WebhooksLate", "WebhookFeederErrors", "WebhooksDisabled"} <= alarms
    functions = ("APIHandler", "IngestWorker", "TransactionStream", "Archiver", "Mailer", "AnalyticsJob")
    for function in (
        *functions,
        "AlertMailer",
        "OperatorAlerts",
        "HolderChanges",
        "Feedback",
        "WebhookFeeder",
        "WebhookSender",
        "NightlyReconciliation",
        "ReleaseDeferred",
        "Statements",
    ):
        # Or the function's first run might make its log group before the stack does, which then fails.
        log_group, *_ = resources[function]["DependsOn"]
        assert resources[log_group]["Type"] == "AWS::Logs::LogGroup"
    log_groups = [resource for resource in resources.values() if resource["Type"] == "AWS::Logs::LogGroup"]
    assert len(log_groups) == 16
    assert all(group["Properties"]["RetentionInDays"] == 30 for group in log_groups)


def test_the_package_is_built_for_the_named_runtime_and_processor_whatever_python_runs_the_command(
    tmp_path: Path,
) -> None:
    # Another Python than any that runs the tests, and another processor than most have.
    lock = tmp_path / "requirements.txt"
    lock.write_text(_entry("markupsafe"))
    install(lock, tmp_path / "vendor", Target("python3.13", "arm64"))
    (compiled,) = (tmp_path / "vendor").rglob("*.so")
    assert "cpython-313-aarch64" in compiled.name
    assert int.from_bytes(compiled.read_bytes()[18:20], "little") == ELF_AARCH64


def test_a_wheel_that_is_not_the_one_in_the_lock_file_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(re.sub(r"sha256:\w{8}", "sha256:00000000", _entry("six")))
    with pytest.raises(WheelsMissing, match="HASH"):
        install(lock, tmp_path / "vendor", Target(RUNTIME, "arm64"))


def test_a_stage_on_aws_has_the_named_runtime_and_a_stage_here_this_machines_python() -> None:
    config = (PROJECT_DIR / ".chalice" / "config.json").read_text()
    assert target_of(config, "prod") == Target(RUNTIME, "arm64")
    assert target_of(config, "local") is None


def _entry(name: str) -> str:
    """Return a requirement's lines in the lock file."""
    entries = re.split(r"\n(?=\S)", (PROJECT_DIR / "requirements.txt").read_text())
    return next(one for one in entries if one.startswith(f"{name}==")) + "\n"


def test_the_list_of_what_ships_has_the_pinned_packages_and_no_others(packaged: Path) -> None:
    shipped = json.loads((packaged / "sbom.json").read_text())["components"]
    pinned = re.findall(r"^([a-z0-9_.-]+)==([^ \\;]+)", (PROJECT_DIR / "requirements.txt").read_text(), re.MULTILINE)
    assert {(one["name"], one["version"]) for one in shipped} == {(name.replace("_", "-"), v) for name, v in pinned}
    assert all(one.get("licenses") for one in shipped)


def test_what_an_earlier_version_left_in_a_build_is_removed_and_what_is_installed_stays(tmp_path: Path) -> None:
    # Chalice would install a list of requirements beside what `vendor` has: each package twice.
    (tmp_path / "requirements.txt").write_text("boto3")
    (tmp_path / "of-another-layout").mkdir()
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "six.py").touch()
    copy_project(tmp_path)
    assert {entry.name for entry in tmp_path.iterdir()} == {"app.py", "chalicelib", ".chalice", "vendor"}
    assert (tmp_path / "vendor" / "six.py").exists()
