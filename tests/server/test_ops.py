"""/health, /ready, /livez, /metrics and the page at /."""

from __future__ import annotations

import html.parser
import os
import re
from pathlib import Path

import attrs
import httpx
import msgspec
import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families

from logpulse.batch import ROW_BYTES
from logpulse.http.guard import EdgeCounters
from logpulse.server import edge_counters
from logpulse.services.lifecycle import Lifecycle
from logpulse.services.metrics import Metrics

from .serving import MIDNIGHT, PATIENCE, Json, RunningServer, S, Servers, find, push, stream_of, until

KEY = "k"
NUMBERS = {
    *("ingestionRate", "ingestionBytesRate", "storageUsed", "segmentsCount", "chunksCount", "uptime", "streamsCount"),
    *("headBytes", "retentionDays", "diskFree", "diskTotal"),
}


async def health(client: httpx.AsyncClient) -> Json:
    answer = await client.get("/health")
    said: Json = answer.json()
    assert answer.status_code == (503 if said["status"] == "unhealthy" else 200)
    return said


async def samples(client: httpx.AsyncClient) -> dict[str, float]:
    """Scrape, with a strict parser, and give each sample by name and labels."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    return {
        sample.name + "".join(f" {name}={value}" for name, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


# -- health -----------------------------------------------------------------------------------------------------------


async def test_health_of_a_server_with_data(running: RunningServer, client: httpx.AsyncClient) -> None:
    empty = await health(client)
    assert (empty["status"], empty["chunksCount"], empty["lastFlush"], empty["ingestionRate"]) == (
        "healthy",
        0,
        None,
        0,
    )
    assert "problems" not in empty
    await push(client, stream_of(["12345", "123"]), stream_of(["x"], {"service": "db"}))
    full = await health(client)
    assert all(isinstance(full[name], int | float) for name in NUMBERS)
    assert (full["headBytes"], full["streamsCount"]) == (9 + 3 * ROW_BYTES, 2)
    rate, used, uptime = full["ingestionRate"], full["storageUsed"], full["uptime"]
    assert isinstance(rate, float)
    assert isinstance(used, int)
    assert isinstance(uptime, float)
    assert 0 < rate <= 3
    assert used > 0
    assert uptime > 0
    running.services.flusher.wake()
    await until(lambda: running.services.flusher.last_flush > 0)
    flushed = await health(client)
    assert (flushed["headBytes"], flushed["chunksCount"]) == (0, 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", str(flushed["lastFlush"]))
    assert flushed["wal"] == {"bytes": 0, "sequence": 1, "sync": "always"}
    assert (empty["segmentsCount"], flushed["segmentsCount"]) == (0, 1)
    assert 0 < msgspec.convert(full["ingestionBytesRate"], float) <= 9


async def test_health_tells_how_far_back_entries_go(running: RunningServer, client: httpx.AsyncClient) -> None:
    assert (await health(client))["oldestEntry"] is None
    await push(client, stream_of(["in memory"], first=MIDNIGHT))
    assert (await health(client))["oldestEntry"] == "2026-01-15T00:00:00Z"
    await trio.to_thread.run_sync(running.services.store.flush)
    assert (await health(client))["oldestEntry"] == "2026-01-15T00:00:00Z"
    await push(client, stream_of(["older"], first=MIDNIGHT - 1), stream_of(["newer"], first=MIDNIGHT + S))
    said = await health(client)
    assert (said["oldestEntry"], said["retentionDays"]) == ("2026-01-14T23:59:59.999999999Z", 7)


async def test_health_shows_the_disk_as_the_system_does(
    running: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = await health(client)
    disk = os.statvfs(running.services.store.folder.root)
    assert said["diskTotal"] == disk.f_blocks * disk.f_frsize
    assert 0 < msgspec.convert(said["diskFree"], int) <= disk.f_bfree * disk.f_frsize

    def fail(_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("logpulse.storage.files.os.statvfs", fail)
    said = await health(client)
    assert (said["status"], said["diskFree"], said["diskTotal"]) == ("unhealthy", None, None)


async def test_health_lists_slow_queries_the_newest_first(
    running: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await find(client)
    assert (await health(client))["slowQueries"] == []
    monkeypatch.setattr("logpulse.services.slow_queries.SLOW_QUERY_SECONDS", 0)
    await find(client, '{a="b"}|="x"')
    await client.get("/loki/api/v1/query", params={"query": 'rate({a="c"}[1m])'})
    await client.get("/labels")
    listed = msgspec.convert((await health(client))["slowQueries"], list[Json])
    assert [(each["kind"], each["query"]) for each in listed] == [
        ("labels", ""),
        ("metrics", 'rate({a="c"}[1m])'),
        ("logs", '{a="b"} |= "x"'),
    ]
    for each in listed:
        assert msgspec.convert(each["seconds"], float) >= 0
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", str(each["at"]))


async def test_health_without_a_key_shows_the_status_alone(serve: Servers) -> None:
    running = await serve(auth__enabled="true", auth__api_key=KEY)
    async with running.client() as client:
        assert await health(client) == {"status": "healthy"}
        running.services.store.problems.add("segment_damaged", "private")
        assert await health(client) == {"status": "degraded"}
        running.services.store.wal_failure = "private"
        assert await health(client) == {"status": "unhealthy"}
    async with running.client({"X-API-Key": KEY}) as client:
        assert set(await health(client)) > NUMBERS | {
            "version",
            "wal",
            "lastFlush",
            "problems",
            "slowQueries",
            "oldestEntry",
        }


async def test_a_damaged_segment_degrades_and_the_rest_is_served(
    running: RunningServer, client: httpx.AsyncClient
) -> None:
    await push(client, stream_of(["lost"]))
    await trio.to_thread.run_sync(running.services.store.flush)
    (segment,) = running.services.store.view.segments
    await push(client, stream_of(["kept"], first=MIDNIGHT + 10**12))
    data = bytearray(segment.path.read_bytes())
    data[4:200] = bytes(196)
    segment.path.write_bytes(data)
    assert [entry["message"] for entry in await find(client)] == ["kept"]
    said = await health(client)
    assert said["status"] == "degraded"
    assert [problem["code"] for problem in said["problems"]] == ["segment_damaged"]  # type: ignore[attr-defined]
    assert (await client.get("/ready")).status_code == 200
    await push(client, stream_of(["more"], first=MIDNIGHT + 2 * 10**12))


async def test_a_failing_flush_degrades_until_one_succeeds(
    running: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(running.services.store, "flush", fail)
        running.services.flusher.wake()
        await until(lambda: bool(running.services.flusher.failure))
        said = await health(client)
    assert said["status"] == "degraded"
    assert said["problems"] == [{"code": "flush_failed", "detail": "segments cannot be written: Input/output error"}]
    assert (await client.get("/ready")).status_code == 200


async def test_a_limit_that_comes_near_or_is_reached_degrades(serve: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    running = await serve(ingest__max_streams="2")
    async with running.client() as client:
        await push(client, stream_of(["x"]))
        assert (await health(client))["status"] == "healthy"
        store = running.services.store
        disk = os.statvfs(store.folder.root)
        free = disk.f_bavail * disk.f_frsize
        with monkeypatch.context() as patch:
            patch.setattr(store, "policy", attrs.evolve(store.policy, disk_reserve_bytes=free // 2))
            said = await health(client)
            assert (said["status"], codes(said)) == ("degraded", ["disk_nearly_full"])
            await push(client, stream_of(["y"], {"service": "second"}))
        said = await health(client)
        assert (said["status"], codes(said)) == ("degraded", ["streams_limit"])
        assert (
            await client.post("/ingest", json={"streams": [stream_of(["z"], {"service": "third"})]})
        ).status_code == 429
        assert (await client.get("/ready")).status_code == 200


def codes(said: Json) -> list[object]:
    return [problem["code"] for problem in msgspec.convert(said["problems"], list[Json])]


async def test_a_full_disk_is_unhealthy_and_reads_go_on(
    running: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await push(client, stream_of(["before"]))
    with monkeypatch.context() as patch:
        policy = running.services.store.policy
        patch.setattr(running.services.store, "policy", attrs.evolve(policy, disk_reserve_bytes=2**62))
        said = await health(client)
        assert said["status"] == "unhealthy"
        assert [problem["code"] for problem in said["problems"]] == ["pushes_refused"]  # type: ignore[attr-defined]
        ready = await client.get("/ready")
        assert (ready.status_code, "storage.path" in ready.text) == (503, True)
        answer = await client.post("/ingest", json={"streams": [stream_of(["refused"])]})
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert [entry["message"] for entry in await find(client)] == ["before"]
        assert (await client.get("/livez")).status_code == 200
    assert (await health(client))["status"] == "healthy"
    await push(client, stream_of(["after"], first=MIDNIGHT + 10**12))


async def test_a_stopping_server_is_not_ready(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await client.get("/ready")).text == "ready"
    monkeypatch.setattr(Lifecycle, "is_stopping", True)
    answer = await client.get("/ready")
    assert (answer.status_code, answer.text) == (503, "the server is stopping")
    assert (await health(client))["status"] == "unhealthy"
    assert (await client.get("/livez")).status_code == 200


# -- metrics ----------------------------------------------------------------------------------------------------------

PROMISED = {
    "logpulse_ingested_bytes_total",
    "logpulse_ingested_lines_total",
    "logpulse_chunks_stored_total",
    "logpulse_storage_bytes",
    "logpulse_uptime_seconds",
    "logpulse_wal_bytes",
    "logpulse_wal_fsync_seconds_count",
    "logpulse_head_bytes",
    "logpulse_append_queue_depth",
    "logpulse_subscribers",
    "logpulse_queries_in_flight",
}


async def test_metrics_tell_what_happened(running: RunningServer, client: httpx.AsyncClient) -> None:
    await push(client, stream_of(["12345", "123"]))
    await push(client, stream_of(["12345", "123"]))
    await client.post("/ingest", json={"streams": [{"labels": {}, "entries": [{"line": "x"}, {"line": "y"}]}]})
    await find(client)
    await client.get("/nowhere")
    running.services.flusher.wake()
    await until(lambda: running.services.flusher.last_flush > 0)
    seen = await samples(client)
    assert seen["logpulse_chunks_stored_total"] == 1
    assert set(seen) >= PROMISED
    expected = {
        "logpulse_ingested_lines_total": 2,
        "logpulse_ingested_bytes_total": 8,
        "logpulse_duplicate_lines_total": 2,
        "logpulse_rejected_lines_total reason=invalid": 2,
        "logpulse_query_duration_seconds_count kind=logs": 1,
        "logpulse_http_request_duration_seconds_count route=/ingest status=200": 2,
        "logpulse_http_request_duration_seconds_count route=/ingest status=400": 1,
        "logpulse_http_request_duration_seconds_count route=unknown status=404": 1,
        "logpulse_flushes_total outcome=done reason=size": 1,
        "logpulse_head_bytes": 0,
        "logpulse_subscribers": 0,
    }
    assert {name: seen.get(name) for name in expected} == expected
    assert seen["logpulse_storage_bytes"] > 0
    assert seen["logpulse_wal_fsync_seconds_count"] >= 1


async def test_hostile_requests_make_no_metrics_of_their_own(client: httpx.AsyncClient) -> None:
    before = set(await samples(client))
    for number in range(5):
        await client.get(f"/nowhere/{number}", headers={"User-Agent": f"x{number}"})
        await client.get(f"/labels/name{number}/values")
    new = {name for name in set(await samples(client)) - before if " le=" not in name}
    assert {name.partition(" ")[2] for name in new} == {
        "route=/labels/<name>/values status=200",
        "route=/metrics status=200",
        "route=unknown status=404",
        "kind=labels",
    }


async def test_cut_off_connections_are_counted(running: RunningServer, client: httpx.AsyncClient) -> None:
    killer = b"GET /stream HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nx"
    async with await trio.open_tcp_stream("127.0.0.1", running.port) as stream:
        await stream.send_all(killer)
        with trio.fail_after(PATIENCE):
            while await stream.receive_some():
                pass
    assert (await samples(client))["logpulse_connections_ended_total reason=error"] == 1


def test_every_way_to_end_a_connection_is_shown() -> None:
    metrics = Metrics()
    edge = edge_counters(metrics)
    for number, field in enumerate(attrs.fields(EdgeCounters), start=1):
        setattr(edge, field.name, number)
    (family,) = (each for each in metrics.registry.collect() if each.name == "logpulse_connections_ended")
    assert sorted(sample.value for sample in family.samples) == list(range(1, len(attrs.fields(EdgeCounters)) + 1))


# -- the page ---------------------------------------------------------------------------------------------------------


class Page(html.parser.HTMLParser):
    """Collect the tags and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.fixture
def unbuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have servers find no built web page."""
    monkeypatch.setattr("logpulse.http.app.PAGE_FOLDER", tmp_path / "nowhere")


@pytest.mark.usefixtures("unbuilt")
@pytest.mark.parametrize("settings", [{}, {"auth__enabled": "true", "auth__api_key": KEY}])
async def test_the_plain_page_names_the_routes_and_has_no_script(serve: Servers, settings: dict[str, str]) -> None:
    running = await serve(**settings)
    async with running.client() as client:
        for headers in ({}, {"X-API-Key": KEY}):
            answer = await client.get("/", headers=headers)
            assert answer.status_code == 200
            assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "script" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["X-Frame-Options"] == "DENY"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            page = Page(answer.text)
            assert "script" not in page.tags
            assert not [name for name in page.attributes if name.startswith("on")]
            assert f"{running.url}/ingest" in answer.text
            assert f"ws://127.0.0.1:{running.port}/stream" in answer.text
            assert "make page" in answer.text
            assert (await client.head("/", headers=headers)).status_code == 200
            for route in ("/query", "/labels", "/stream", "/health", "/ready", "/livez", "/metrics"):
                assert route in answer.text


@pytest.mark.usefixtures("unbuilt")
async def test_the_plain_page_takes_nothing_over_from_the_request(client: httpx.AsyncClient) -> None:
    answer = await client.get("/?x=<script>alert(1)</script>", headers={"Host": 'x"><script>alert(1)</script>'})
    assert "<script" not in answer.text


async def test_answers_with_data_are_not_cached_nor_sniffed(client: httpx.AsyncClient) -> None:
    for path in ("/health", "/labels", "/query?query=%7Ba%3D%22b%22%7D", "/metrics"):
        answer = await client.get(path)
        assert (answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
    answer = await client.get("/labels")
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert "Server" not in answer.headers


@pytest.mark.parametrize(
    "path",
    ["/static/../../etc/passwd", "/%2e%2e%2fetc/passwd", "/%252e%252e%252f", "/..%5c", "/labels/", "/PUSH"],
)
async def test_paths_that_lead_nowhere(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code in (400, 404)
    assert answer.json()["error"]


async def test_everything_stays_in_the_data_folder(running: RunningServer, client: httpx.AsyncClient) -> None:
    """Labels never become paths."""
    await push(client, stream_of(["x"], {"service": "../../outside", "path": "/etc/passwd"}))
    await trio.to_thread.run_sync(running.services.store.flush)
    folder = Path(running.settings["storage.path"])
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


async def test_a_failed_fdatasync_acknowledges_nothing_and_is_got_over(
    running: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await push(client, stream_of(["before"]))

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("logpulse.storage.wal.os.fdatasync", fail)
        answer = await client.post("/ingest", json={"streams": [stream_of(["again"], first=MIDNIGHT + S)]})
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "Input/output error" in answer.json()["error"]
    assert [entry["message"] for entry in await find(client)] == ["before"]
    assert (await health(client))["status"] == "unhealthy"
    await push(client, stream_of(["again"], first=MIDNIGHT + S))
    assert [entry["message"] for entry in await find(client)] == ["again", "before"]
    assert (await health(client))["status"] == "healthy"
