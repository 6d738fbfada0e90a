"""How each client is generated, compiled and run: as `docs/clients.md` tells banks to do it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.clients.tools import Tools

Command = Sequence[str | Path]
# The description, and the client that is made of it, in the folder of the program.
DESCRIPTION = "openapi.json"
_TSC = ("--strict", "--target", "es2022", "--module", "commonjs", "--esModuleInterop", "--skipLibCheck")
_IMPORT_ALL = (
    "import client, importlib, pkgutil\n"
    "for module in pkgutil.walk_packages(client.__path__, 'client.'):\n"
    "    importlib.import_module(module.name)\n"
)


@dataclass(frozen=True)
class Client:
    """One client: its program, the machine's own tools that it needs, and the commands run in its folder, in order."""

    program: str
    needs: Sequence[str]
    generate: Command
    compile: Command
    run: Command


def openapi_typescript(tools: Tools) -> Client:
    return _typescript(
        tools,
        "openapi_typescript",
        ["openapi-typescript", DESCRIPTION, "--default-non-nullable", "false", "-o", "client/schema.ts"],
    )


def hey_api(tools: Tools) -> Client:
    return _typescript(
        tools, "hey_api", ["openapi-ts", "-i", DESCRIPTION, "-o", "client", "-c", "@hey-api/client-fetch"]
    )


def openapi_python_client(tools: Tools) -> Client:
    generator = ["openapi-python-client", "generate", "--path", DESCRIPTION, "--output-path", "client"]
    return _python(tools, "openapi_python_client", [*generator, "--meta", "none", "--fail-on-warning"])


def openapi_generator_python(tools: Tools) -> Client:
    return _python(
        tools, "openapi_generator_python", [*_OPENAPI_GENERATOR, "-g", "python", "--package-name", "client"], ["java"]
    )


def openapi_generator_java(tools: Tools) -> Client:
    program = "OpenapiGeneratorJava"
    options = ["-g", "java", "--library", "native", "--additional-properties=openApiNullable=false"]
    # The compiler takes its sources from a file: there are more than a command line holds.
    list_sources = f"find src/main/java {program}.java -name '*.java' > sources"
    return Client(
        f"{program}.java",
        ["java", "javac"],
        [tools.script(_OPENAPI_GENERATOR[0]), *_OPENAPI_GENERATOR[1:], *options],
        ["sh", "-c", f"{list_sources} && javac -nowarn -d out -cp '{tools.class_path}' @sources"],
        ["java", "-cp", f"out:{tools.class_path}", program],
    )


_OPENAPI_GENERATOR = ("openapi-generator-cli", "generate", "-i", DESCRIPTION, "-o", ".")


def _typescript(tools: Tools, program: str, generate: Sequence[str]) -> Client:
    return Client(
        f"{program}.ts",
        ["node", "npm"],
        [tools.node_script(generate[0]), *generate[1:]],
        [tools.node_script("tsc"), *_TSC, "--outDir", "out", f"{program}.ts"],
        ["node", f"out/{program}.js"],
    )


def _python(tools: Tools, program: str, generate: Sequence[str], needs: Sequence[str] = ()) -> Client:
    return Client(
        f"{program}.py",
        needs,
        [tools.script(generate[0]), *generate[1:]],
        [tools.python, "-W", "error", "-c", _IMPORT_ALL],
        [tools.python, f"{program}.py"],
    )


CLIENTS: dict[str, Callable[[Tools], Client]] = {
    "openapi-typescript": openapi_typescript,
    "@hey-api/openapi-ts": hey_api,
    "openapi-python-client": openapi_python_client,
    "openapi-generator, Python": openapi_generator_python,
    "openapi-generator, Java": openapi_generator_java,
}
