"""A moto server on a free loopback port, taught what `make provision` and `chalice deploy` need of AWS beyond it.

Plain moto refuses the Swagger 2.0 that Chalice sends and drops which methods need an API key; it forgets the outputs of
a stack that a change set made and the tables that it changed, doesn't know termination protection and Lambda's limits
and loop detection, and can't make a secret, an SES configuration set, a user pool or a key with tags from a template.
It reads a function's code, 48 MB for each of fifteen functions, five times over and never runs it: here it gets a few
bytes instead. For each stack that it makes, it finds two large primes and reads YAML letter by letter: here the primes
are found once, and each template is read once. And for each request it looks at the folders of all services, and writes
a line that nobody reads. It leaves out types of `infra/data.yaml` that nothing refers to (`AWS::ApiGateway::Account`).
"""

import contextlib
import functools
import io
import json
import os
import pickle
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from local_cloud.server import answers, free_port
from tests.moto_capacity import change_capacity

# AWS knows no resource that these could be confined to.
UNCONFINED = {"sns:GetSubscriptionAttributes", "sns:Unsubscribe", "ses:GetAccount", "dynamodb:ListStreams"}

PROJECT_DIR = Path(__file__).parent.parent
_STARTS_WITHIN_S = 30
_LARGE = 1_000_000
_CODE = re.compile(rb'"ZipFile": ?"[^"]*"')


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Run the server in a process of its own; give its URL, and end it on the way out."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "tests.moto_server", str(port)]
    process = subprocess.Popen(
        command, cwd=PROJECT_DIR, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + _STARTS_WITHIN_S
        while not answers(f"{url}/moto-api/"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"no moto server; `{' '.join(command[1:])}` shows why")
            time.sleep(0.1)
        yield url
    finally:
        process.communicate(timeout=10)


def serve(port: int) -> None:
    """Serve until standard input ends, which it also does when the test run is killed."""
    import yaml
    from joserfc.jwk import RSAKey
    from moto import backends, server
    from moto.apigateway.models import APIGatewayBackend
    from moto.awslambda import urls
    from moto.awslambda.responses import LambdaResponse
    from moto.cloudformation.models import ChangeSet
    from moto.cloudformation.parsing import get_model_map
    from moto.cloudformation.responses import CloudFormationResponse
    from moto.cloudformation.utils import yaml_tag_constructor
    from moto.cognitoidp import models as cognito
    from moto.dynamodb.models.table import Table
    from moto.kms import models as kms
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication
    from moto.utilities.utils import load_resource
    from werkzeug.serving import WSGIRequestHandler

    services = frozenset(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: services
    WSGIRequestHandler.log_request = lambda *_: None
    yaml.CLoader.add_multi_constructor("", yaml_tag_constructor)
    yaml.Loader = yaml.CLoader
    yaml.load = _once(yaml.load)
    pools_key = RSAKey.import_key(load_resource("cognitoidp/resources/jwks-private.json"))
    cognito.jwk = SimpleNamespace(RSAKey=SimpleNamespace(import_key=lambda _: pools_key))
    kms.KmsBackend.create_key = _tagging(kms.KmsBackend.create_key)
    kms.generate_private_key = functools.cache(kms.generate_private_key)
    DomainDispatcherApplication.__call__ = _without_code(DomainDispatcherApplication.__call__)
    APIGatewayBackend.import_rest_api = _describing(APIGatewayBackend.import_rest_api)
    APIGatewayBackend.put_rest_api = _taking_swagger(APIGatewayBackend.put_rest_api)
    Table.update_from_cloudformation_json = classmethod(change_capacity)
    ChangeSet.apply = _keeping_outputs(ChangeSet.apply)
    get_model_map().update(
        {
            "AWS::SES::ConfigurationSet": _ConfigurationSet,
            "AWS::SecretsManager::Secret": _Secret,
            "AWS::Cognito::UserPool": _UserPool,
            "AWS::Cognito::UserPoolClient": _UserPoolClient,
            "AWS::Cognito::UserPoolDomain": _UserPoolDomain,
        }
    )
    CloudFormationResponse.update_termination_protection = _update_termination_protection
    LambdaResponse.put_function_recursion_config = _put_recursion_config
    LambdaResponse.get_function_recursion_config = _get_recursion_config
    urls.url_paths[r"{0}/2024-08-31/functions/(?P<function_name>[\w_:%-]+)/recursion-config/?$"] = (
        LambdaResponse.dispatch
    )
    LambdaResponse.get_account_settings = _get_account_settings
    urls.url_paths[r"{0}/2016-08-19/account-settings/?$"] = LambdaResponse.dispatch
    threading.Thread(target=_end_with_input, daemon=True).start()
    server.main(["-H", "127.0.0.1", "-p", str(port)])


def _once(load: Callable[..., Any]) -> Callable[..., Any]:
    """Return what reads each template once, and gives a copy of it to each that asks."""
    read: dict[str, bytes] = {}

    def loaded(text: str, **options: Any) -> Any:
        if text not in read:
            read[text] = pickle.dumps(load(text, **options))
        return pickle.loads(read[text])

    return loaded


def _without_code(answer: Callable[..., Any]) -> Callable[..., Any]:
    def answered(app: Any, environ: dict[str, Any], start_response: Any) -> Any:
        size = int(environ.get("CONTENT_LENGTH") or 0)
        if size > _LARGE and environ["PATH_INFO"].startswith("/2015-03-31/functions"):
            body = _CODE.sub(b'"ZipFile": "Y29kZQ=="', environ["wsgi.input"].read(size))
            environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return answer(app, environ, start_response)

    return answered


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


def _describing(import_rest_api: Callable[..., Any]) -> Callable[..., Any]:
    def described(backend: Any, document: dict[str, Any], *options: Any) -> Any:
        document["info"].setdefault("description", "")
        return import_rest_api(backend, document, *options)

    return described


def _tagging(create_key: Callable[..., Any]) -> Callable[..., Any]:
    def made(backend: Any, *arguments: Any, **options: Any) -> Any:
        for tag in options.get("tags") or ():
            if "Key" in tag:  # as templates write a tag
                tag |= {"TagKey": tag["Key"], "TagValue": tag["Value"]}
        return create_key(backend, *arguments, **options)

    return made


def _taking_swagger(put_rest_api: Callable[..., Any]) -> Callable[..., Any]:
    def translated(backend: Any, api_id: str, document: dict[str, Any], **options: Any) -> Any:
        del document["swagger"]
        document["openapi"] = "3.0.1"
        api = put_rest_api(backend, api_id, document, **options)
        for path, methods in document["paths"].items():
            for method, content in methods.items():
                needs_key = {"api_key": []} in content.get("security", ())
                api.get_resource_for_path(path).get_method(method.upper()).api_key_required = needs_key
        return api

    return translated


def _keeping_outputs(apply: Callable[..., Any]) -> Callable[..., Any]:
    def applied(change_set: Any) -> None:
        apply(change_set)
        change_set.stack.template_dict = change_set.template_dict
        change_set.stack.output_map = change_set.stack._create_output_map()

    return applied


def _update_termination_protection(response: Any) -> Any:
    from moto.core.responses import ActionResult

    stack = response.cloudformation_backend.get_stack(response._get_param("StackName"))
    stack.enable_termination_protection = response._get_param("EnableTerminationProtection")
    return ActionResult({"StackId": stack.stack_id})


def _put_recursion_config(response: Any) -> tuple[int, dict[str, str], str]:
    _looping_function(response).recursive_loop = response._get_param("RecursiveLoop")
    return _get_recursion_config(response)


def _get_recursion_config(response: Any) -> tuple[int, dict[str, str], str]:
    allowed = getattr(_looping_function(response), "recursive_loop", "Terminate")
    return 200, {}, json.dumps({"RecursiveLoop": allowed})


def _get_account_settings(_response: Any) -> tuple[int, dict[str, str], str]:
    return 200, {}, json.dumps({"AccountLimit": {"ConcurrentExecutions": 1000}})


def _looping_function(response: Any) -> Any:
    return response.backend.get_function(response.path.rstrip("/").rsplit("/", 2)[-2])


class _Named:
    """A resource of a stack of which only the name or ARN is ever asked for."""

    def __init__(self, physical_resource_id: str) -> None:
        self.physical_resource_id = physical_resource_id

    @classmethod
    def has_cfn_attr(cls, name: str) -> bool:
        return name == "Id"

    def get_cfn_attribute(self, _: str) -> str:
        return self.physical_resource_id

    @classmethod
    def update_from_cloudformation_json(cls, original_resource: Any, *_: Any, **__: Any) -> Any:
        return original_resource


class _ConfigurationSet(_Named):
    @classmethod
    def create_from_cloudformation_json(cls, name: str, *_: Any, **__: Any) -> _Named:
        return cls(name)


class _Secret(_Named):
    @classmethod
    def create_from_cloudformation_json(cls, name: str, _: Any, account: str, region: str, **__: Any) -> _Named:
        from moto.secretsmanager.models import secretsmanager_backends

        backend = secretsmanager_backends[account][region]
        secret = backend.create_secret(name, "the tests' secret", None, None, [], None, None, [], False)
        return cls(json.loads(secret)["ARN"])


class _UserPool(_Named):
    @classmethod
    def create_from_cloudformation_json(cls, name: str, _: Any, account: str, region: str, **__: Any) -> _Named:
        from moto.cognitoidp.models import cognitoidp_backends

        return cls(cognitoidp_backends[account][region].create_user_pool(name, {}).id)


class _UserPoolClient(_Named):
    @classmethod
    def create_from_cloudformation_json(
        cls, _name: str, described: Any, account: str, region: str, **__: Any
    ) -> _Named:
        from moto.cognitoidp.models import cognitoidp_backends

        properties = dict(described["Properties"])
        pool = properties.pop("UserPoolId")
        backend = cognitoidp_backends[account][region]
        return cls(backend.create_user_pool_client(pool, properties.pop("GenerateSecret", False), properties).id)


class _UserPoolDomain(_Named):
    @classmethod
    def create_from_cloudformation_json(cls, _name: str, described: Any, *_: Any, **__: Any) -> _Named:
        return cls(described["Properties"]["Domain"])


if __name__ == "__main__":
    serve(int(sys.argv[1]))
