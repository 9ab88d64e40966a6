"""Packages: what is in them, that none is built without the page, and that the page of an installed wheel works."""

from __future__ import annotations

import html.parser
import http.client
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

import pytest

from .server.built_page import FILES, write_page

TOP: Final = Path(__file__).parent.parent
STATIC: Final = "logpulse/web/static"
_PATIENCE_SECONDS: Final = 60

pytestmark = pytest.mark.skipif(importlib.util.find_spec("hatchling") is None, reason="hatchling is not installed")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a copy of what packages are built from, with a page of our own."""
    folder = tmp_path / "project"
    ignored = shutil.ignore_patterns("node_modules", "static", "__pycache__")
    for name in ("logpulse", "agent", "configs"):
        shutil.copytree(TOP / name, folder / name, ignore=ignored)
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore", "Makefile"):
        shutil.copy(TOP / name, folder)
    write_page(folder / "logpulse" / "web")
    (folder / "logpulse" / "web" / "secret.txt").unlink()
    installed = folder / "logpulse" / "web" / "ui" / "node_modules" / "other"
    installed.mkdir(parents=True)
    (installed / "index.js").write_text("// third-party code")
    return folder


def build(project: Path, call: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Have hatchling build into `project`/dist, as pip would."""
    program = f"import os, hatchling.build; os.makedirs('dist', exist_ok=True); hatchling.build.{call}('dist')"
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=project,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )


def built(project: Path, pattern: str) -> Path:
    (path,) = (project / "dist").glob(pattern)
    return path


def test_a_wheel_has_the_page_and_not_its_sources(project: Path) -> None:
    done = build(project, "build_wheel")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(built(project, "*.whl")) as wheel:
        names = set(wheel.namelist())
        assert {f"{STATIC}/{name}" for name in FILES} == {name for name in names if name.startswith("logpulse/web/")}
        assert wheel.read(f"{STATIC}/index.html").decode() == FILES["index.html"]
    assert {"logpulse/server.py", "logpulse/py.typed", "agent/cli.py"} <= names
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"logpulse", "agent", "logpulse-0.1.0.dist-info"}


def test_a_source_archive_has_the_page_and_its_sources(project: Path) -> None:
    done = build(project, "build_sdist")
    assert done.returncode == 0, done.stderr
    with tarfile.open(built(project, "*.tar.gz")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"{STATIC}/{name}" for name in FILES} <= names
    ui = {path.relative_to(TOP).as_posix() for path in (TOP / "logpulse/web/ui").iterdir() if path.is_file()}
    assert {"logpulse/web/ui/package-lock.json", "logpulse/web/ui/index.html"} <= ui <= names
    assert {"logpulse/web/ui/src/main.tsx", "hatch_build.py"} <= names
    assert not [name for name in names if "node_modules" in name]


@pytest.mark.parametrize("call", ["build_wheel", "build_sdist"])
@pytest.mark.parametrize("missing", [STATIC, f"{STATIC}/index.html"])
def test_no_package_is_built_without_the_page(project: Path, call: str, missing: str) -> None:
    path = project / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    done = build(project, call)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert f"{STATIC}/index.html is missing: run `make page` first" in last
    assert not list((project / "dist").iterdir())


def test_the_agent_alone_and_a_checkout_need_no_page(project: Path) -> None:
    shutil.rmtree(project / STATIC)
    done = build(project, "build_wheel", HATCH_BUILD_NO_HOOKS="true")
    assert done.returncode == 0, done.stderr
    built(project, "*.whl").unlink()
    done = build(project, "build_editable")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(built(project, "*.whl")) as wheel:
        assert not [name for name in wheel.namelist() if name.startswith("logpulse/")]


# -- an installed wheel -----------------------------------------------------------------------------------------------


class Named(html.parser.HTMLParser):
    """Collect the files that a page names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.files: set[str] = set()
        self.inline_scripts = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.files |= {value for name in ("src", "href") if (value := given.get(name))}
        self.inline_scripts += tag == "script" and "src" not in given


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a virtual environment with a wheel of this tree; what the wheel needs comes from the tests' own."""
    if not (TOP / STATIC / "index.html").is_file():
        pytest.skip("the page is not built: `make page` does so, with npm and Node")
    folder = tmp_path_factory.mktemp("installed")
    python = folder / "venv" / "bin" / "python"
    build_it = ("-c", f"import hatchling.build; hatchling.build.build_wheel({str(folder)!r})")
    for arguments in (build_it, ("-m", "venv", "--without-pip", str(folder / "venv"))):
        subprocess.run(
            [sys.executable, *arguments], cwd=TOP, check=True, capture_output=True, timeout=_PATIENCE_SECONDS
        )
    (wheel,) = folder.glob("*.whl")
    install = ("install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", str(wheel))
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), *install], check=True, timeout=120)
    (packages,) = (folder / "venv" / "lib").glob("python3*/site-packages")
    # Only folders of packages: a link to this tree, as an editable install has, would be found in their .pth files.
    needed = [path for path in sys.path if Path(path).name == "site-packages"]
    (packages / "needed.pth").write_text("".join(f"{path}\n" for path in needed))
    return folder / "venv"


@pytest.fixture(scope="module")
def port(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run the installed server, without this tree and without Node, and give its port."""
    folder = tmp_path_factory.mktemp("running")
    environment = {
        "PATH": str(installed / "bin"),
        "LOGPULSE_PORT": "0",
        "LOGPULSE_STORAGE_PATH": str(folder / "data"),
    }
    assert shutil.which("node", path=environment["PATH"]) is None
    where = subprocess.run(
        [installed / "bin" / "python", "-c", "import logpulse; print(logpulse.__file__)"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=_PATIENCE_SECONDS,
    )
    assert Path(where.stdout.strip()).is_relative_to(installed)
    said = folder / "said"
    with said.open("wb") as out:
        server = subprocess.Popen(
            [installed / "bin" / "logpulse", "serve"], cwd=folder, env=environment, stdout=out, stderr=out
        )
    try:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not (found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", said.read_text())):
            assert server.poll() is None, said.read_text()
            assert time.monotonic() < deadline, said.read_text()
            time.sleep(0.05)
        yield int(found[1])
    finally:
        server.terminate()
        server.wait(_PATIENCE_SECONDS)


def get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def test_an_installed_wheel_serves_its_page_and_every_file_of_it(installed: Path, port: int) -> None:
    status, text = get(port, "/")
    assert status == 200
    page = Named(text)
    assert [name for name in page.files if name.endswith(".js")]
    assert not page.inline_scripts  # which its policy would forbid
    assert "__CSP_NONCE__" not in text
    assert not [name for name in page.files if name.startswith("/") or "//" in name]  # so that a prefix works
    paths = {urljoin("/", name) for name in page.files}
    (static,) = installed.glob(f"lib/python3*/site-packages/{STATIC}")
    paths |= {f"/{path.relative_to(static).as_posix()}" for path in static.rglob("*") if path.is_file()}
    assert {path: get(port, path)[0] for path in paths} == dict.fromkeys(paths, 200)
