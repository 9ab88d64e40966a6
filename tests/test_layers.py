"""The layers: a module imports only from layers below its own, and heavy packages only where they belong."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

ROOT = Path(__file__).parent.parent

# Each may import itself and what stands before it.
SERVER_LAYERS = (
    "errors",
    "limits",
    "units",
    "model",
    "config",
    "batch",
    "wire",
    "logql",  # the syntax alone; storage and query build on its selectors
    "storage",
    "query",
    "services",
    "http",
    "memory",
    "server",
    "asgi",
)
SMALL = ("errors", "limits", "units", "model")
"""What the agent and the client commands are made of: `pip install logpulse` without [server] has to be enough."""

ALLOWED = {
    **{layer: SERVER_LAYERS[: number + 1] for number, layer in enumerate(SERVER_LAYERS)},
    "client": (*SMALL, "client"),
    "agent": (*SMALL, "agent"),
}
# Command lines: `serve` and `check-config` reach the server, inside their functions only.
AT_THE_TOP_OF_CLI = (*SMALL, "client", "cli")
IN_FUNCTIONS_OF_CLI = (*AT_THE_TOP_OF_CLI, "config", "server")
HEAVY = {
    "duckdb",
    "pyarrow",
    "numpy",
    "hypercorn",
    "quart",
    "quart_trio",
    "lark",
    "prometheus_client",
}
ASYNCHRONOUS = {"trio", "trio_websocket", "httpx", "quart", "quart_trio", "hypercorn"}


@attrs.frozen
class Module:
    """Name a source file and what it imports: everything, and what is imported when it is loaded."""

    name: str
    layer: str
    imports: frozenset[str]
    at_the_top: frozenset[str]

    def __str__(self) -> str:
        return self.name


def _imports(nodes: list[ast.AST], package: str) -> frozenset[str]:
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{package} imports relatively, which this test does not follow"
            module = node.module or ""
            # `from logpulse import limits` names a module, `from logpulse.limits import MIB` does not.
            found.update({f"{module}.{alias.name}" for alias in node.names} if module == "logpulse" else {module})
    return frozenset(found)


def _top_level(tree: ast.Module) -> list[ast.AST]:
    """Give the statements that run on import: not those of functions, nor those for type checkers alone."""
    waiting: list[ast.AST] = list(tree.body)
    found = []
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        found.append(node)
        waiting.extend(ast.iter_child_nodes(node))
    return found


def _modules() -> list[Module]:
    found = []
    for package in ("logpulse", "agent"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            layer = "agent" if package == "agent" else parts[1]
            tree = ast.parse(path.read_text("utf-8"))
            name = ".".join(parts)
            found.append(Module(name, layer, _imports(list(ast.walk(tree)), name), _imports(_top_level(tree), name)))
    return found


MODULES = _modules()
PACKAGES = ("__init__", "__main__")


def _layers(imports: frozenset[str]) -> set[str]:
    """Give the layers that some imports reach."""
    own = {name for name in imports if name.split(".")[0] in ("logpulse", "agent")}
    layers = {"agent" if name.split(".")[0] == "agent" else [*name.split("."), ""][1] for name in own}
    return layers - {"", "__version__"}


def _packages(imports: frozenset[str]) -> set[str]:
    return {name.split(".")[0] for name in imports}


def test_there_is_something_to_test() -> None:
    assert len(MODULES) > 80
    assert {module.layer for module in MODULES} >= {*SERVER_LAYERS, "client", "cli", "agent"}
    (segment,) = (module for module in MODULES if module.name == "logpulse.storage.segment")
    assert segment.imports >= {"pyarrow", "logpulse.batch", "pathlib"}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_imports_only_from_layers_below(module: Module) -> None:
    if module.layer in PACKAGES:
        assert not _layers(module.imports)
    elif module.layer == "cli":
        assert _layers(module.imports) <= set(IN_FUNCTIONS_OF_CLI)
        assert _layers(module.at_the_top) <= set(AT_THE_TOP_OF_CLI)
    else:
        assert _layers(module.imports) <= set(ALLOWED[module.layer])


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_nothing_is_asynchronous_below_the_services(module: Module) -> None:
    if module.layer in SERVER_LAYERS[: SERVER_LAYERS.index("services")]:
        assert not _packages(module.imports) & ASYNCHRONOUS
    assert "asyncio" not in _packages(module.imports)


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_heavy_packages_stay_in_the_server(module: Module) -> None:
    if module.layer in (*SMALL, "config", "client", "cli", "agent", *PACKAGES):
        assert not _packages(module.imports) & HEAVY
    if "duckdb" in _packages(module.imports):
        assert module.name == "logpulse.query.executor"


@pytest.mark.parametrize("command", ["logpulse.cli", "agent.cli"])
def test_a_command_line_loads_without_the_server(command: str) -> None:
    program = (
        f"import sys, importlib\nfor name in {sorted(HEAVY)!r}: sys.modules[name] = None\n"
        f"importlib.import_module({command!r})\nprint('loaded')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.stdout, ended.stderr) == ("loaded\n", "")


@pytest.mark.parametrize(
    "path", [path for package in ("logpulse", "agent") for path in sorted((ROOT / package).rglob("*.py"))], ids=str
)
def test_a_file_is_one_noun_of_bounded_length(path: Path) -> None:
    assert path.stem not in ("utils", "util", "helpers", "helper", "common", "misc")
    assert len(path.read_text("utf-8").splitlines()) <= 400
