# LogPulse. `make run` goes from a clone to a running server; `make help` lists the rest.
# PYTHON names the interpreter (default: the newest of 3.13, 3.12, 3.11 found), VENV the virtual environment,
# PYTEST more options of pytest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help run test lint bench clean page page-if-possible page-tools

VENV ?= .venv
LOGPULSE_PORT ?= 8080
BENCH_LINES ?= 200000
PYTEST ?=
BIN := $(VENV)/bin
READY := $(VENV)/.installed

UI := logpulse/web/ui
PAGE := logpulse/web/static/index.html
NPM_INSTALLED := $(UI)/node_modules/.package-lock.json
# Folders too, whose times tell of files that were removed.
UI_SOURCES := $(shell find $(UI) \( -name node_modules -o -name tests \) -prune -o -print 2>/dev/null)
# Succeeds where the page can be built; the versions are those that Vite asks for.
HAS_NPM := [ -e $(UI)/package.json ] && command -v npm >/dev/null && node -e \
  'const [major, minor] = process.versions.node.split(".").map(Number); \
   process.exit(major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19) ? 0 : 1)' 2>/dev/null
NO_NPM := it needs npm and Node 20.19, 22.12 or newer

help: ## show this text
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

# Each child gets a process group of its own (set -m), so that Ctrl+C reaches only the shell, which stops the agent first:
# what it has read is then delivered and stored.
run: $(READY) page-if-possible ## start a server on http://localhost:8080 and an agent that feeds it this machine's logs
	@url=http://127.0.0.1:$(LOGPULSE_PORT) shown=http://localhost:$(LOGPULSE_PORT)
	in_use() { (exec 3<>/dev/tcp/127.0.0.1/$(LOGPULSE_PORT)) 2>/dev/null; }
	export no_proxy=localhost,127.0.0.1$${no_proxy:+,$$no_proxy}; unset NO_PROXY # a proxy cannot reach this machine's own
	is_ready() { $(BIN)/python -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1])' $$url/ready 2>/dev/null; }
	runs() { kill -0 $$1 2>/dev/null; }
	stop() {
	    trap '' INT TERM
	    for child in $${agent-} $${server-}; do
	        kill -TERM $$child 2>/dev/null || true
	        wait $$child || true
	    done
	}
	fail() { stop; echo "make run: $$1" >&2; exit 1; }
	if in_use; then fail "port $(LOGPULSE_PORT) is in use; choose another one: LOGPULSE_PORT=8081 make run"; fi
	trap 'stop; exit 0' INT TERM
	set -m
	LOGPULSE_PORT=$(LOGPULSE_PORT) $(BIN)/logpulse serve --config configs/config.yaml &
	server=$$!
	set +m
	until is_ready; do
	    runs $$server || fail "the server ended; its last lines above say why"
	    sleep 0.1
	done
	set -m
	LOGPULSE_SERVER_URL=$$url $(BIN)/logpulse-agent --config configs/agent-config.yaml &
	agent=$$!
	set +m
	printf '%s\n' '' \
	    "  LogPulse runs on $$shown and reads the log files under /var/log. Ctrl+C stops it." '' \
	    "  newest lines   curl -sG $$shown/query --data-urlencode 'query={job=\"varlogs\"}'" \
	    "  search         $(BIN)/logpulse --url $$shown query '{job=\"varlogs\"} |= \"error\"'" \
	    "  follow live    $(BIN)/logpulse --url $$shown tail '{job=\"varlogs\"}'" \
	    "  more to find   $(BIN)/logpulse --url $$shown generate 1000" ''
	wait -n $$server $$agent || true
	if runs $$server; then fail "the agent ended; its last lines above say why"; fi
	fail "the server ended; its last lines above say why"

page: ## build the web page, if npm is there and the page is older than its sources
	@if $(HAS_NPM); then
	    $(MAKE) --silent $(PAGE)
	else
	    echo "the web page is not built: $(NO_NPM)" >&2
	fi

# A server is of use without the page, as on a machine that has npm and no network.
page-if-possible:
	@$(MAKE) --silent page || echo "the web page could not be built; going on without" >&2

page-tools:
	@if $(HAS_NPM); then $(MAKE) --silent $(NPM_INSTALLED); fi

test: $(READY) page ## run every test, those of the web page too if npm is there
	@if $(HAS_NPM); then
	    (cd $(UI) && npm test --silent -- --silent)
	fi
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile $(PYTEST)

lint: $(READY) page-tools ## check style and types, those of the web page too if npm is there
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	if $(HAS_NPM); then
	    (cd $(UI) && npm run check --silent)
	else
	    echo "the sources of the web page are not checked: $(NO_NPM)" >&2
	fi
	$(BIN)/mypy

bench: $(READY) ## measure this build beside the limits of this machine; BENCH_LINES=1000000 for more
	@$(BIN)/python -m tests.bench --lines $(BENCH_LINES)

clean: ## remove what these commands made, except data/
	@rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis $(dir $(PAGE)) $(UI)/node_modules

$(PAGE): $(NPM_INSTALLED) $(UI_SOURCES)
	@echo "building the web page"
	cd $(UI)
	npm run build --silent -- --logLevel error
	touch ../static/index.html # newer than all that was read, whatever the build has written last

$(NPM_INSTALLED): $(UI)/package-lock.json
	@echo "installing what the web page is built from"
	cd $(UI)
	npm ci --silent --no-audit --no-fund
	touch node_modules/.package-lock.json

# Dependency groups need pip 25.1; the one that comes with the interpreter may be older.
$(READY): pyproject.toml
	@python="$(PYTHON)"
	for each in python3.13 python3.12 python3.11 python3; do
	    [ -n "$$python" ] && break
	    $$each -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && python=$$each || true
	done
	if [ -z "$$python" ]; then
	    echo "LogPulse needs Python 3.11 or newer with its venv module (Debian: apt-get install python3-venv);" >&2
	    echo "name another interpreter as in: PYTHON=/opt/python/bin/python3 make run" >&2
	    exit 1
	fi
	echo "installing into $(VENV) with $$($$python --version)"
	$$python -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[server]' --group dev
	touch $@
