"""What README.md, docs/ and configs/ say is true of the code, as far as a program can tell."""

from __future__ import annotations

import ast
import re
import shlex
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import click
import msgspec
import pytest
import yaml
from quart_trio import QuartTrio

import agent.cli
import agent.config
import logpulse.config
from agent.identity import Identity, Mark
from agent.pipeline.lines import OpenLine
from agent.positions import Point, Positions, Record, Span
from agent.positions_file import PositionsEncoder
from logpulse import cli, limits
from logpulse.batch import SCHEMA
from logpulse.http.app import all_routes
from logpulse.http.auth import Keyring
from logpulse.model.labels import MAIN_LABELS
from logpulse.server import edge_counters, opened_store, running_services
from logpulse.services.lifecycle import Lifecycle
from logpulse.services.metrics import Metrics
from logpulse.storage import catalog, recovery, segment, segment_writer, wal
from logpulse.storage.filenames import DataFolder

TOP: Final = Path(__file__).parent.parent
README: Final = TOP / "README.md"
PAGES: Final = [README, *sorted((TOP / "docs").rglob("*.md"))]
FORMATS: Final = TOP / "docs" / "format"
_ROW: Final = re.compile(r"^\| (.*) \|$", re.MULTILINE)
_CODE: Final = re.compile(r"`([^`]+)`")


def rows(text: str) -> list[list[str]]:
    """Give the cells of all table rows; an escaped bar does not divide cells."""
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)] for row in _ROW.findall(text)]


def section(page: Path, heading: str) -> str:
    """Give the text below a heading up to the next of its level or above."""
    level = heading.partition(" ")[0]
    text = page.read_text().partition(f"\n{heading}\n")[2]
    assert text, f"{page.name} has no {heading!r}"
    return re.split(rf"\n#{{1,{len(level)}}} ", text)[0]


def coded(cell: str) -> list[str]:
    return _CODE.findall(cell)


# -- settings ---------------------------------------------------------------------------------------------------------


def documented_settings(heading: str) -> dict[str, tuple[list[str], str]]:
    """Map each setting of a table to its variables and its default."""
    table = rows(section(README, heading))
    return {coded(row[0])[0]: (coded(row[1]), row[2]) for row in table if len(row) == 4 and coded(row[0])}


def shown_default(value: object) -> str:
    if value in ("", (), {}):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def test_readme_has_each_server_setting_with_its_variable_and_default() -> None:
    known = {each.path: ([each.environment], shown_default(each.default)) for each in logpulse.config.settings()}
    assert documented_settings("## Configuration of the server") == known


def test_readme_has_each_agent_setting_with_its_default() -> None:
    known = {each.path: shown_default(each.default) for each in agent.config.settings()}
    found = {path: default for path, (_, default) in documented_settings("## Configuration of the agent").items()}
    assert found == {**known, "targets[].path": ""}


def test_server_yaml_has_each_setting_with_its_default() -> None:
    path = TOP / "configs" / "config.yaml"
    document = yaml.safe_load(path.read_text())
    names = {f"{part}.{name}" for part, content in document.items() for name in content}
    assert names == {each.path for each in logpulse.config.settings()}
    assert logpulse.config.load_config(path, {}, {}) == logpulse.config.Config()


def test_agent_yaml_has_each_setting() -> None:
    path = TOP / "configs" / "agent-config.yaml"
    document = yaml.safe_load(path.read_text())
    names = set[str]()
    for name, value in document.items():
        match value:
            case dict():
                names |= {f"{name}.{inner}" for inner in value}
            case list():
                names |= {f"{name}[].{inner}" for each in value for inner in each}
            case _:
                names.add(name)
    assert names == {each.path for each in agent.config.settings()}
    loaded, default = agent.config.load_config(path, {}, {}), agent.config.AgentConfig()
    assert {name: getattr(loaded, name) for name in document if name != "targets"} == {
        name: getattr(default, name) for name in document if name != "targets"
    }


def known_variables() -> set[str]:
    names = {"LOGPULSE_SERVER_URL", "LOGPULSE_CONFIG"}
    for each in logpulse.config.settings():
        names |= {each.environment, "LOGPULSE_" + each.path.replace(".", "_").upper()}
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_variable_exists(page: Path) -> None:
    assert set(re.findall(r"LOGPULSE_[A-Z_]*[A-Z]", page.read_text())) <= known_variables()


# -- commands ---------------------------------------------------------------------------------------------------------


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """Give each command of the pages' shell blocks and inline code, split into words, without comments."""
    for page in PAGES:
        text = page.read_text()
        blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        inline = [code.replace("\\|", "|") for code in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)]
        for source in [*blocks, *inline]:
            if "logpulse" not in source and "agent" not in source and "make" not in source:
                continue
            try:
                lines = [shlex.split(line, comments=True) for line in source.replace("\\\n", " ").splitlines()]
            except ValueError:  # quotes over several lines: the bodies of curl
                continue
            yield from ((page.name, words) for words in lines if words)


def commands_of(program: str) -> list[tuple[str, list[str]]]:
    shown = ((page, words) for page, words in command_lines() if Path(words[0]).name == program and len(words) > 1)
    found = [(page, words) for page, words in shown if not any("<" in word for word in words)]
    assert found, f"no page shows {program}"
    return found


def flags_of(command: click.Command) -> set[str]:
    options = (parameter for parameter in command.params if isinstance(parameter, click.Option))
    return {flag for option in options for flag in (*option.opts, *option.secondary_opts)} | {"--help", "-h"}


def test_every_logpulse_command_and_flag_exists() -> None:
    for page, words in commands_of("logpulse"):
        name = next((word for word in words[1:] if word in cli.root.commands), None)
        assert name is not None or "COMMAND" in words, f"{page}: {words}"
        known = flags_of(cli.root) | (flags_of(cli.root.commands[name]) if name else set())
        used = {word.partition("=")[0] for word in words if word.startswith("-")}
        assert used <= known, f"{page}: {words}"


def test_every_agent_flag_exists() -> None:
    for page, words in commands_of("logpulse-agent"):
        assert {word for word in words if word.startswith("-")} <= flags_of(agent.cli.main), f"{page}: {words}"


def test_every_flag_named_in_prose_exists() -> None:
    known = flags_of(agent.cli.main) | flags_of(cli.root)
    known = known.union(*(flags_of(command) for command in cli.root.commands.values()))
    named = {flag for page in PAGES for flag in re.findall(r"`(--[a-z-]+)[^`]*`", page.read_text())}
    assert named
    assert named <= known


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (TOP / "Makefile").read_text(), re.MULTILINE))
    commands = ([word for word in words if "=" not in word] for _, words in command_lines())
    used = {words[1] for words in commands if words[:1] == ["make"] and len(words) > 1}
    assert {"run", "test", "lint", "bench"} <= used <= targets
    listed = subprocess.run(["make", "help"], cwd=TOP, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"make ([a-z]+)", listed)) == targets


# -- routes and metrics -----------------------------------------------------------------------------------------------


@pytest.fixture
async def routes(tmp_path: Path) -> AsyncIterator[set[tuple[str, str]]]:
    """Give (method, path) of every route; WebSockets have the method GET."""
    config, metrics = logpulse.config.load_config(None, {}, {"storage.path": str(tmp_path)}), Metrics()
    with opened_store(config, metrics) as store:
        async with running_services(config, store, metrics, Lifecycle(), Keyring.of("")) as services:
            app = QuartTrio("routes", static_folder=None)
            for blueprint in all_routes(services):
                app.register_blueprint(blueprint)
            yield {
                (method, re.sub(r"<(\w+)>", r"{\1}", rule.rule))
                for rule in app.url_map.iter_rules()
                for method in (rule.methods or {"GET"}) - {"HEAD", "OPTIONS"}
            }


async def test_readme_lists_exactly_the_routes(routes: set[tuple[str, str]]) -> None:
    shown = [code.split() for row in rows(section(README, "## API")) for code in coded(row[0])]
    assert {(method, path) for method, path in shown} == routes


async def test_api_page_describes_every_route(routes: set[tuple[str, str]]) -> None:
    headings = " ".join(re.findall(r"^## (.*)$", (TOP / "docs" / "api.md").read_text(), re.MULTILINE))
    missing = {path for _, path in routes if not re.search(re.escape(path) + r"(?![\w/])", headings)}
    assert not missing


async def test_every_curl_asks_an_existing_route(routes: set[tuple[str, str]]) -> None:
    patterns = {re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)) for _, path in routes}
    asked = re.findall(r"curl [^\n]*?http://localhost:8080(/[\w/]*)", README.read_text())
    assert asked
    assert not [path for path in asked if not any(re.fullmatch(pattern, path) for pattern in patterns)]


def test_operations_lists_every_metric() -> None:
    metrics = Metrics()
    edge_counters(metrics)
    counted = {
        each.name + ("_total" if each.type == "counter" else "") for each in metrics.registry.collect() if each.name
    }
    source = (TOP / "logpulse" / "services" / "gauges.py").read_text()
    gauges = set(re.findall(r'metrics\.gauge\(\s*"(\w+)"', source))
    table = section(TOP / "docs" / "operations.md", "## Metrics")
    shown = {code.partition("{")[0] for row in rows(table) for code in coded(row[0])}
    assert shown == counted | gauges


def test_operations_lists_every_problem() -> None:
    codes = set[str]()
    for path in (TOP / "logpulse").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if "problems" in ast.unparse(node.func.value) and node.func.attr in ("add", "quarantine", "keep_copy"):
                    codes |= _codes(node.args)
            elif isinstance(node, ast.Dict) and "'code'" in ast.unparse(node):
                codes |= _codes(node.values)
    table = section(TOP / "docs" / "operations.md", "## Problems")
    assert {code for row in rows(table) for code in coded(row[0])} == codes


def _codes(nodes: list[ast.expr]) -> set[str]:
    texts = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return {text for text in texts if re.fullmatch(r"[a-z]+(_[a-z]+)+", text)}


# -- formats ----------------------------------------------------------------------------------------------------------


def table_names(text: str, header: str) -> list[str]:
    """List the codes in the first cells of the table whose first heading is `header`."""
    tables = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    table = next(rows(table) for table in tables if rows(table)[0][0] == header)
    return [code for row in table[1:] for code in coded(row[0])]


def test_wal_page() -> None:
    text = (FORMATS / "wal.md").read_text()
    cells = {row[0]: row[1:] for row in rows(text)}
    assert f"Version {wal.VERSION}." in text
    assert cells["magic"] == ["4", f"`{wal.MAGIC.decode()}`"]
    assert cells["version"][1] == f"`{wal.VERSION}`"
    assert cells["kind"][1].startswith(f"`{wal.BATCH_KIND}`")
    assert str(limits.WAL_RECORD_BYTES) in cells["payload bytes"][1]
    assert str(limits.WAL_FILE_BYTES) in text
    assert f"the {wal.HEADER.size} bytes before it" in cells["crc32"][1]
    assert f"{wal.PREFIX_BYTES} bytes before its payload" in text
    assert table_names(text, "column") == SCHEMA.names


def test_segment_page() -> None:
    text = (FORMATS / "segment.md").read_text()
    assert f"Format {segment.FORMAT}." in text
    assert f"| `format` | `{segment.FORMAT}` |" in text
    assert f"| `creator` | `{segment.CREATOR}` |" in text
    assert table_names(text, "column") == segment.FILE_SCHEMA.names
    assert sorted(table_names(text, "field")) == sorted(segment.SegmentFacts.__struct_fields__)
    for level in (segment_writer.FLUSH_LEVEL, segment_writer.COMPACTION_LEVEL):
        assert f"zstd level {level}" in text
    assert ", ".join(f"`{name}`" for name in MAIN_LABELS) in text
    for number in (limits.COMPACTION_FANIN, limits.COMPACTED_BYTES):
        assert f" {number} " in text
    for key in (segment.FOOTER_KEY, segment.STREAMS_KEY):
        assert f"`{key.decode()}`:" in text


def test_catalog_page(tmp_path: Path) -> None:
    text = (FORMATS / "catalog.md").read_text()
    catalog.Catalog(tmp_path / "catalog.sqlite").close()
    with sqlite3.connect(tmp_path / "catalog.sqlite") as database:
        names = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        columns = {
            name: [f"`{row[1]}` {row[2].lower()}" for row in database.execute(f"pragma table_info({name})")]
            for name in names
        }
    database.close()
    shown = {coded(row[0])[0]: row[1].split(", ") for row in rows(text) if coded(row[0])}
    assert shown == columns
    assert f"Version {catalog.VERSION} " in text


def test_data_folder_page() -> None:
    text = (FORMATS / "data-folder.md").read_text()
    folder = DataFolder(Path())
    shown = {code.partition("/")[0] for code in table_names(text, "name")}
    paths = (folder.format, folder.lock, folder.catalog, folder.wal, folder.segments, folder.quarantine)
    assert shown == {path.name for path in paths} | {"*.tmp"}
    assert f"Format {recovery.FORMAT}." in text


def test_agent_positions_page() -> None:
    text = (FORMATS / "agent-positions.md").read_text()
    point = Point(Mark(100, "a", "b"), OpenLine(1, "info", has_ended=True))
    record = Record(Identity(1, 2), "/a", "/a", point, (Span(0, point, 0),), 1.0)
    document = msgspec.json.decode(PositionsEncoder().encode(Positions([record])), type=dict[str, object])
    state = msgspec.convert(document["state"], dict[str, object])
    (written,) = msgspec.convert(state["files"], list[dict[str, object]])
    tables = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    names = [[code for row in rows(table)[1:] for code in coded(row[0])] for table in tables]
    assert names[0] == ["version", "checksum", "state.newest", "state.files[]"]
    assert {"version", "checksum", "state"} == set(document)
    assert {"newest", "files"} == set(state)
    assert set(names[1]) == set(written)
    assert set(names[2]) == set(msgspec.convert(written["delivered"], dict[str, object]))
    for size in (limits.AGENT_HEAD_BYTES, limits.AGENT_TAIL_BYTES, limits.AGENT_TELLING_BYTES):
        assert re.search(rf"\b{size}\b", text)


# -- links and paths --------------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """Give the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_resolve(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        if not linked.exists() or (anchor and anchor not in anchors(linked)):
            broken.append(target)
    assert not broken


def test_every_page_is_linked() -> None:
    linked = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in PAGES
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text())
        if "://" not in target
    }
    assert not [page.name for page in PAGES if page != README and page.resolve() not in linked]


def test_nothing_names_paths_of_one_machine() -> None:
    foreign = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|tmp/v\d+|Users/\w+)\b")
    places = ("logpulse", "agent", "configs", "containers", "docs", ".ci")
    files = [path for place in places for path in (TOP / place).rglob("*") if path.is_file()]
    made = {"node_modules", "static"}  # by npm, and by the build of the page
    texts = [path for path in files if path.suffix != ".pyc" and not made & set(path.parts)]
    found = [
        str(path.relative_to(TOP)) for path in [README, TOP / "Makefile", *texts] if foreign.search(path.read_text())
    ]
    assert not found


def test_design_names_modules_that_exist() -> None:
    layout = section(TOP / "docs" / "design.md", "## 3. Layout").partition("```")[2]
    built = "\n".join(line.partition("planned")[0] for line in layout.splitlines())
    modules = {path.name for place in ("logpulse", "agent") for path in (TOP / place).rglob("*.py")}
    named = set(re.findall(r"\b(\w+\.py)\b", built))
    assert len(named) > 50
    assert named <= modules
