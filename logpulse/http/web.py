"""The page at `/` where the web page is not built: plain, without script, with commands to paste.

No log text ever appears on it. Where the web page is built, `page.py` answers before this.
"""

from __future__ import annotations

import html
from typing import Final

from quart import Blueprint, Response, request

from logpulse import __version__

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
}
_ROUTES: Final = (
    ("POST /ingest", "push entries"),
    ("GET /query", "find entries with LogQL; also POST with a form"),
    ("GET /labels", "names of the labels in use"),
    ("GET /labels/{name}/values", "values of one label"),
    ("GET /stream", "follow live over WebSocket"),
    ("POST /loki/api/v1/push", "push as to Grafana Loki"),
    ("GET /loki/api/v1/query_range, …/query", "query as Grafana Loki"),
    ("GET /ui/session", "the sign-in of the web page; also POST and DELETE"),
    ("GET /health", "state and numbers"),
    ("GET /ready, /livez", "probes"),
    ("GET /metrics", "Prometheus metrics"),
)
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>LogPulse</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }}
pre {{ padding: .75rem 1rem; overflow-x: auto; border: 1px solid #8886; border-radius: 6px; }}
pre, code {{ font: 14px/1.5 ui-monospace, monospace; }}
td {{ padding: .15rem 1.5rem .15rem 0; vertical-align: top; }}
</style></head><body>
<h1>LogPulse</h1>
<p>Version {version}. This server stores logs, finds them with LogQL and streams them live.</p>
<p>Its web page is missing here. Packages and container images have it; a checkout has to build it: with npm and Node
20.19, 22.12 or newer <code>make run</code> does so, or <code>make page</code> and a restart of the server.</p>
<h2>Try it</h2>
<p>Store a line:</p>
<pre>curl -s {url}/ingest -H 'Content-Type: application/json' \\
  -d '{{"streams":[{{"labels":{{"service":"demo","level":"info"}},"entries":[{{"line":"hello from curl"}}]}}]}}'</pre>
<p>Find it:</p>
<pre>curl -sG {url}/query --data-urlencode 'query={{service="demo"}} |= "hello"'</pre>
<p>The newest lines that the agent found on this machine:</p>
<pre>curl -sG {url}/query --data-urlencode 'query={{job="varlogs"}}' --data-urlencode limit=20</pre>
<p>Follow live, from the command line or from anything that speaks WebSocket:</p>
<pre>logpulse --url {url} tail '{{service=~".+"}}'
{websocket_url}/stream?service=demo</pre>
<p>If the server has a key, add <code>-H "X-API-Key: …"</code> to curl and set <code>LOGPULSE_API_KEY</code> for
<code>logpulse</code>.</p>
<h2>Routes</h2>
<table>{routes}</table>
</body></html>
"""


def web() -> Blueprint:
    """Make the route."""
    routes = Blueprint("web", __name__)

    @routes.get("/")
    async def page() -> Response:
        url = html.escape(f"{request.scheme}://{request.host}")
        rows = "".join(f"<tr><td><code>{route}</code></td><td>{text}</td></tr>" for route, text in _ROUTES)
        websocket_url = url.replace("http", "ws", 1)
        text = _PAGE.format(version=__version__, url=url, websocket_url=websocket_url, routes=rows)
        return Response(text, content_type="text/html; charset=utf-8", headers=_HEADERS)

    return routes
