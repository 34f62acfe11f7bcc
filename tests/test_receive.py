"""The receiver: every status, nothing acknowledged is lost, nothing is doubled, and nobody's prompts are kept."""

from __future__ import annotations

import gzip
import json
import os
import resource
import shutil
import signal
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from typer.testing import CliRunner

from tests.otlp import TRACE, call, export, span
from tests.receiver import JSON, PROTOBUF, Receiver, as_protobuf, committers, stored, wait_until
from usagecost.cli import app
from usagecost.ingest.receiver.otlp import lines_of_json

USAGE = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 7,
    "gen_ai.input.messages": "a secret",
}
EMPTY = json.dumps({"resourceSpans": []}).encode()


def body(*numbers: int) -> bytes:
    return json.dumps(export(*map(call, numbers))).encode()


def ids(*numbers: int) -> list[str]:
    return [f"{TRACE}:{number:016x}" for number in numbers]


class Noting(SpanExporter):
    """The real exporter, and the ids of the spans that were acknowledged to it."""

    def __init__(self, url: str, **options: object) -> None:
        self._exporter = OTLPSpanExporter(url, timeout=20, **options)
        self.acknowledged: list[str] = []

    def export(self, spans: list[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.acknowledged += [f"{span.context.trace_id:032x}:{span.context.span_id:016x}" for span in spans]
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


def traced(exporter: SpanExporter, calls: int, size: int = 10) -> None:
    """An instrumented app's calls, exported in batches by the real SDK."""
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=20, max_export_batch_size=size))
    tracer = provider.get_tracer("openai")
    for _ in range(calls):
        with tracer.start_as_current_span("chat gpt-4o", attributes=USAGE):
            pass
    provider.shutdown()


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """One that keeps what it is sent in the spool."""
    with Receiver(tmp_path_factory.mktemp("receiver") / "lake") as running:
        yield running


# ---- the way into the lake


def test_what_the_sdk_exports_is_in_the_lake_some_seconds_later(tmp_path: Path):
    with Receiver(tmp_path / "lake", every=0.2) as running:
        acknowledged: list[str] = []
        for compression in (Compression.NoCompression, Compression.Gzip, Compression.Deflate):
            exporter = Noting(running.url, compression=compression)
            traced(exporter, calls=25)
            assert len(exporter.acknowledged) == 25
            acknowledged += exporter.acknowledged

        wait_until(lambda: len(stored(running.lake)) == 75)
        assert stored(running.lake) == sorted(acknowledged)
        columns = "DISTINCT source, provider, model, app, input_tokens, output_tokens"
        assert stored(running.lake, columns) == [("otel", "openai", "gpt-4o", "shop", 100, 7)]
        wait_until(lambda: running.spooled == [])


@pytest.mark.slow
def test_an_agent_counts_once_though_its_calls_come_before_it(tmp_path: Path):
    with Receiver(tmp_path / "lake", every=0.1) as running:
        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(running.url), schedule_delay_millis=20))
        tracer = provider.get_tracer("agent")
        with tracer.start_as_current_span("agent", attributes={**USAGE, "gen_ai.usage.input_tokens": 200}):
            with tracer.start_as_current_span("chat", attributes=USAGE):
                pass
            provider.force_flush()
            wait_until(lambda: running.spooled == [])
            with tracer.start_as_current_span("chat", attributes=USAGE):
                pass
        provider.shutdown()
        running.end()

        assert stored(running.lake, "count(*), sum(input_tokens)") == [(2, 200)]


def test_prompts_and_answers_never_reach_the_disk(receiver: Receiver):
    secret = dict.fromkeys(("gen_ai.input.messages", "gen_ai.prompt.0.content", "llm.input_messages", "input.value"), "a secret")
    exported = export(call(1, **secret))
    exported["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["status"] = {"code": 2, "message": "a secret"}

    assert receiver.post(json.dumps(exported).encode())[0] == 200
    assert receiver.post(as_protobuf(exported), PROTOBUF)[0] == 200

    assert "gen_ai.usage.input_tokens" in receiver.spooled[-1]
    assert not [line for line in receiver.spooled if "secret" in line]


# ---- what is answered


def test_an_accepted_export_is_answered_in_its_own_kind_of_body(receiver: Receiver):
    status, headers, answer = receiver.post(body(1))
    assert (status, headers["content-type"], json.loads(answer)) == (200, JSON, {})

    status, headers, answer = receiver.post(as_protobuf(export(call(1))), PROTOBUF)
    assert (status, headers["content-type"]) == (200, PROTOBUF)
    assert ExportTraceServiceResponse.FromString(answer) == ExportTraceServiceResponse()


def test_an_export_of_nothing_is_accepted(receiver: Receiver):
    before = receiver.spooled

    assert receiver.post(EMPTY)[0] == receiver.post(b"", PROTOBUF)[0] == 200
    assert receiver.spooled == before


@pytest.mark.parametrize(
    ("content", "kind", "encoding"),
    [
        (b"\xff\xff\xff", PROTOBUF, ""),
        (as_protobuf(export(call(1)))[:-5], PROTOBUF, ""),
        (body(1)[:-5], JSON, ""),
        (b'{"resourceSpans": {"a": 1}}', JSON, ""),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [1]}]}]}', JSON, ""),
        (b"[" * 100_000, JSON, ""),
        (body(1), JSON, "gzip"),
        (gzip.compress(body(1))[:-12], JSON, "gzip"),
        (gzip.compress(body(1)) + b"more", JSON, "gzip"),
    ],
)
def test_what_is_malformed_is_refused_for_good(receiver: Receiver, content: bytes, kind: str, encoding: str):
    before = receiver.spooled

    status, headers, answer = receiver.post(content, kind, **({"Content_Encoding": encoding} if encoding else {}))

    assert (status, headers["content-type"], "retry-after" in headers) == (400, kind, False)
    assert b"The body is " in answer
    assert receiver.spooled == before


def test_a_refusal_in_protobuf_is_a_status_with_a_message(receiver: Receiver):
    _, _, answer = receiver.post(b"\xff", PROTOBUF)

    sentence = "The body is no protobuf message ExportTraceServiceRequest, or was cut off."
    assert answer == b"\x12" + bytes([len(sentence) | 0x80, 0]) + sentence.encode()


@pytest.mark.parametrize("kind", ["text/plain", "application/grpc", None])
def test_other_kinds_of_bodies_are_refused(receiver: Receiver, kind: str | None):
    assert receiver.post(body(1), kind)[0] == 415


def test_other_packings_are_refused(receiver: Receiver):
    assert receiver.post(body(1), Content_Encoding="br")[0] == 415


def test_the_kind_may_name_its_letters(receiver: Receiver):
    assert receiver.post(body(1), "Application/JSON; charset=utf-8")[0] == 200


def test_zlib_is_read_as_deflate(receiver: Receiver):
    assert receiver.post(zlib.compress(body(1)), Content_Encoding="deflate")[0] == 200


def test_a_body_above_the_limit_is_refused_and_the_client_hears_it(receiver: Receiver):
    status, _, answer = receiver.post(b" " * (33 << 20))

    assert (status, json.loads(answer)) == (
        413,
        {"message": "The body is larger than 32 MB, packed or not: export smaller batches."},
    )


def test_a_small_body_that_unpacks_to_a_large_one_is_refused(receiver: Receiver):
    assert receiver.post(gzip.compress(b" " * (33 << 20)), Content_Encoding="gzip")[0] == 413


def test_a_body_of_unknown_length_is_refused_when_it_grows_too_large(receiver: Receiver):
    assert receiver.post(iter([b" " * (1 << 20)] * 33))[0] == 413


def test_metrics_are_not_acknowledged_and_not_tried_again(receiver: Receiver):
    status, headers, answer = receiver.post(b"{}", path="/v1/metrics")

    assert (status, "retry-after" in headers) == (404, False)
    assert json.loads(answer) == {"message": "Only traces and logs are kept here: set OTEL_METRICS_EXPORTER=none."}


def test_logs_are_taken_at_an_address_of_their_own(receiver: Receiver):
    record = {"timeUnixNano": "1", "body": {"stringValue": "a secret"}, "attributes": []}
    sent = {"resourceLogs": [{"scopeLogs": [{"scope": {"name": "x"}, "logRecords": [record]}]}]}
    before = len(receiver.spooled)

    assert receiver.post(json.dumps(sent).encode(), path="/v1/logs")[::2] == (200, b"{}")
    assert receiver.post(as_protobuf(sent), PROTOBUF, path="/v1/logs/")[::2] == (200, b"")
    assert [json.loads(line)["resourceLogs"][0]["scopeLogs"][0]["scope"]["name"] for line in receiver.spooled[before:]] == [
        "x",
        "x",
    ]


@pytest.mark.parametrize(
    "address",
    ["/v1/traces/", "//v1/traces", "/v1/traces//", "/api/public/otel/v1/traces", "/api/public/otel/v1/traces/"],
)
def test_traces_are_taken_at_the_address_of_langfuse_too_and_with_slashes_too_many(receiver: Receiver, address: str):
    before = len(receiver.spooled)

    status, _, _ = receiver.post(body(1), path=address)

    assert (status, len(receiver.spooled)) == (200, before + 1)


def test_why_spans_are_skipped_is_said_and_who_sent_nothing_that_is_known(tmp_path: Path):
    web = export(span(1), span(2), scope={"name": "http"})
    with Receiver(tmp_path / "lake", every=0.2) as running:
        for exported in (web, export(call(3), scope={"name": "openai"})):
            assert running.post(json.dumps(exported).encode())[0] == 200
        wait_until(lambda: any("scope http sent so far" in line for line in running.said))
        running.end()

    told = " ".join(running.said)
    assert "2 skipped (2 span of scope http without usage names that are known)" in told
    assert told.count("Nothing that scope http sent so far was used: its spans have no usage names that are known.") == 1
    assert "scope openai" not in told


@pytest.mark.parametrize("address", ["/healthz/", "/v1/metrics/", "/v1/logs/", "/v1/traces/"])
def test_nothing_is_redirected(receiver: Receiver, address: str):
    assert receiver.post(b"{}", path=address)[0] == receiver.post(b"{}", path=address.rstrip("/"))[0]
    assert receiver.ask("GET", address)[0] == receiver.ask("GET", address.rstrip("/"))[0]
    assert receiver.ask("GET", address)[0] in (200, 405)


def test_other_methods_and_addresses_are_refused(receiver: Receiver):
    assert receiver.ask("GET", "/v1/traces")[0] == 405
    assert receiver.post(b"{}", path="/")[0] == 404


def test_health_tells_what_waits(receiver: Receiver):
    status, _, answer = receiver.ask("GET", "/healthz")

    assert (status, set(json.loads(answer))) == (200, {"status", "waiting_bytes"})


def test_health_tells_nothing_of_the_spool_to_who_shows_no_token(tmp_path: Path):
    with Receiver(tmp_path / "lake", token="right") as guarded:  # noqa: S106
        answers = [guarded.ask("GET", "/healthz", headers={"Authorization": f"Bearer {said}"})[2] for said in ("wrong", "right")]

    assert [set(json.loads(answer)) for answer in answers] == [{"status"}, {"status", "waiting_bytes"}]


def test_a_client_that_stops_half_way_leaves_nothing(receiver: Receiver):
    before = receiver.spooled
    with socket.create_connection(("127.0.0.1", receiver.port)) as client:
        head = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\nContent-Length: {len(body(9))}\r\n\r\n"
        client.sendall(head.encode() + body(9)[:-1])

    assert receiver.post(body(8))[0] == 200
    assert len(receiver.spooled) == len(before) + 1
    assert not [line for line in receiver.spooled if f"{9:016x}" in line]


# ---- clients that keep others out


def header(length: int) -> bytes:
    return f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\nContent-Length: {length}\r\n\r\n".encode()


@contextmanager
def connected(receiver: Receiver, count: int) -> Iterator[list[socket.socket]]:
    """Connections that the receiver has taken or will take."""
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(("127.0.0.1", receiver.port))) for _ in range(count)]


def is_closed(client: socket.socket) -> bool:
    """Whether the receiver has closed a connection, without having said anything on it."""
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_bodies_that_are_announced_and_do_not_come_take_no_room(receiver: Receiver):
    with connected(receiver, 8) as clients:
        for client in clients:
            client.sendall(header(32 << 20) + b" ")

        assert receiver.post(body(1))[0] == 200


@pytest.mark.slow
def test_of_bodies_that_fill_the_room_the_oldest_is_asked_to_try_again_and_others_are_heard(tmp_path: Path):
    large = b" " * (31 << 20)
    with Receiver(tmp_path / "lake") as running, connected(running, 12) as clients:
        for client in clients:
            client.settimeout(60)
            client.sendall(header(32 << 20) + large)

        answer = clients[0].recv(1000)
        status, _, _ = running.post(body(1) + large)

        assert answer.startswith(b"HTTP/1.1 429 ")
        assert b"retry-after: 1" in answer
        assert status == 200
        assert running.peak_mb < 400  # what was sent alone is as much


@pytest.mark.slow
def test_a_header_that_never_ends_is_dropped_and_a_connection_in_use_is_not(receiver: Receiver):
    asks = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with closing(HTTPConnection("127.0.0.1", receiver.port)) as good, connected(receiver, 3) as (silent, trickling, again):

        def is_answered() -> bool:
            good.request("GET", "/healthz")
            return json.loads(good.getresponse().read())["status"] == "ok"

        def is_dropped(client: socket.socket) -> bool:
            with suppress(OSError):
                client.sendall(b"X-More: 1\r\n")
            return is_closed(client)

        assert is_answered()
        trickling.sendall(b"POST /v1/traces HTTP/1.1\r\n")
        again.sendall(asks)
        assert again.recv(1000).startswith(b"HTTP/1.1 200 ")
        again.sendall(b"POST /v1/traces HTTP/1.1\r\n")

        wait_until(lambda: is_dropped(trickling))
        wait_until(lambda: is_dropped(again))
        wait_until(lambda: is_closed(silent))
        assert good.sock
        assert not is_closed(good.sock)
        good.sock.setblocking(True)
        assert is_answered()


@pytest.mark.slow
def test_thousands_of_idle_connections_keep_nobody_out(tmp_path: Path):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < 4_000:
        pytest.skip("this system allows fewer connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with Receiver(tmp_path / "lake") as running, connected(running, 2_700) as clients:
        assert [running.post(body(number))[0] for number in range(1, 6)] == [200] * 5
        wait_until(lambda: is_closed(clients[0]))


# ---- tokens and addresses


def test_only_who_knows_the_token_is_heard_and_an_orderly_end_brings_what_was_accepted_to_the_lake(tmp_path: Path):
    with Receiver(tmp_path / "lake", token="open sesame") as running:  # noqa: S106
        for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic open sesame"}, {"Authorization": "Bearer é"}):
            status, headers, _ = running.post(body(1), **given)
            assert (status, headers["www-authenticate"]) == (401, "Bearer")
        assert running.spooled == []

        assert running.post(body(1), Authorization="bearer open sesame")[0] == 200
        exporter = Noting(running.url, headers={"Authorization": "Bearer open sesame"})
        traced(exporter, calls=3)
        assert len(exporter.acknowledged) == 3

        assert running.end() == 0
        assert sorted(stored(running.lake)) == sorted([*ids(1), *exporter.acknowledged])
        assert running.spooled == []
        assert any(" new, 0 changed, 0 known" in line for line in running.said)


def refusal(lake: Path, *options: str) -> str:
    """Why the command does not begin to listen."""
    done = CliRunner().invoke(app, ["receive", "--lake", str(lake), *options], env={"USAGECOST_RECEIVE_TOKEN": None})
    assert (done.exit_code, done.stdout) == (1, "")
    return done.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            (),
            "Without a token anyone who reaches 0.0.0.0 could write to the lake: "
            "set USAGECOST_RECEIVE_TOKEN, or listen on 127.0.0.1.\n",
        ),
        (("--token", " "), "The token is empty: give one that cannot be guessed, or none at all.\n"),
    ],
)
def test_without_a_token_only_this_machine_is_listened_to(tmp_path: Path, options: tuple[str, ...], sentence: str):
    assert refusal(tmp_path / "lake", "--host", "0.0.0.0", "--port", "0", *options) == sentence  # noqa: S104


@pytest.mark.slow
def test_the_token_may_be_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("USAGECOST_RECEIVE_TOKEN", "open sesame")
    with Receiver(tmp_path / "lake", command=["receive", "--host", "0.0.0.0", "--port", "0"]) as running:  # noqa: S104
        assert running.post(body(1))[0] == 401
        assert running.post(body(1), Authorization="Bearer open sesame")[0] == 200
        assert running.end() == 0
        assert stored(running.lake) == ids(1)


def test_a_port_in_use_is_said_in_a_sentence(tmp_path: Path, receiver: Receiver):
    assert refusal(tmp_path / "lake", "--port", str(receiver.port)) == (
        f"Port {receiver.port} of 127.0.0.1 cannot be listened on (Address already in use): "
        "end what uses it, or name another with --port.\n"
    )


def test_two_receivers_never_share_a_spool(receiver: Receiver):
    refused = refusal(receiver.lake.root, "--port", "0")

    assert refused.startswith(f"Another receiver uses the spool folder {receiver.lake.root / 'spool'}: ")


# ---- nothing acknowledged is lost, nothing is doubled


@pytest.mark.slow
def test_a_kill_between_the_commit_and_the_spools_end_doubles_nothing(tmp_path: Path):
    with Receiver(tmp_path / "lake") as running:
        assert running.post(body(1, 2))[0] == 200
        shutil.copytree(tmp_path / "lake" / "spool", tmp_path / "spool")
        assert running.end() == 0
        version = running.lake.version()

    shutil.copytree(tmp_path / "spool", tmp_path / "lake" / "spool", dirs_exist_ok=True)
    with Receiver(tmp_path / "lake", every=0.1) as again:
        wait_until(lambda: again.spooled == [])

        assert stored(again.lake) == ids(1, 2)
        assert again.lake.version() == version


@pytest.mark.slow
def test_what_a_killed_one_and_an_earlier_version_have_left_is_brought_and_half_a_line_is_cut_off(tmp_path: Path):
    spool = tmp_path / "lake" / "spool"
    spool.mkdir(parents=True)
    line = lines_of_json(body(1)).decode()
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": "100", "gen_ai.usage.output_tokens": "7"}
    before = {**span(2), "status": "0", "attributes": attributes, "resource": {"service.name": "shop"}, "scope": {"name": "openai"}}
    (spool / "20260210T000000-000001.jsonl.open").write_text(line + line[:-30])
    (spool / "20260210T000000-000002.jsonl.open").write_text(line[:20])
    (spool / "20260210T000000-000003.jsonl").write_text(json.dumps(export(call(3))) + "\n")
    (spool / "20260210T000000-000004.jsonl").write_text(json.dumps(before) + "\n" + json.dumps(before)[:50])

    with Receiver(tmp_path / "lake") as running:
        assert running.end() == 0

        assert stored(running.lake, "request_id, app, input_tokens") == [
            (ids(1)[0], None, 100),
            (ids(2)[0], "shop", 100),
            (ids(3)[0], None, 100),
        ]
        assert running.lake.rows("rejects").num_rows == 0
        assert list(spool.iterdir()) == []


@pytest.mark.slow
def test_kills_at_any_moment_lose_and_double_nothing(tmp_path: Path):
    acknowledged: list[str] = []
    with ExitStack() as stack:  # what a killed one was committing goes on beside the next
        for pause in (0.3, 0.9, 1.7):
            running = stack.enter_context(Receiver(tmp_path / "lake", every=0.1))
            exporter = Noting(running.url)
            sending = threading.Thread(target=traced, args=(exporter, 400, 5))
            sending.start()
            time.sleep(pause)
            running.kill()
            exporter.shutdown()  # else it would try for the rest of its time
            sending.join()
            acknowledged += exporter.acknowledged
        wait_until(lambda: not committers(tmp_path / "lake"))  # it ends with what has started it
        last = stack.enter_context(Receiver(tmp_path / "lake"))
        assert last.end() == 0

        assert acknowledged
        assert set(acknowledged) <= set(stored(last.lake))
        assert len(stored(last.lake)) == len(set(stored(last.lake)))
        assert last.spooled == []
        assert last.lake.rows("rejects").num_rows == 0


@pytest.mark.slow
def test_above_the_spools_limit_clients_wait_and_then_are_heard(tmp_path: Path):
    with Receiver(tmp_path / "lake", every=3.0, most_spool_bytes=20_000) as running:
        sent = 0
        while (answer := running.post(body(*range(sent * 10, sent * 10 + 10))))[0] == 200 and sent < 50:
            sent += 1

        status, headers, _ = answer
        assert (status, headers["retry-after"]) == (429, "5")
        assert sum(map(len, running.spooled)) < 20_000 + 10_000
        wait_until(lambda: running.post(body(1000))[0] == 200)
        wait_until(lambda: len(stored(running.lake)) == sent * 10 + 1)


@pytest.mark.slow
def test_a_full_disk_is_said_and_nothing_half_written_stays(tmp_path: Path):
    with Receiver(tmp_path / "lake", most_file_bytes=50_000) as running:
        assert running.post(body(*range(1, 11)))[0] == 200
        before = running.spooled

        status, headers, answer = running.post(body(*range(100, 300)))

        assert (status, headers["retry-after"]) == (503, "10")
        assert json.loads(answer) == {"message": "What was sent could not be written to disk: File too large. Try again later."}
        assert running.spooled == before
        assert running.post(body(11))[0] == 200
        running.kill()

    with Receiver(tmp_path / "lake") as again:
        again.end()
        assert stored(again.lake) == ids(*range(1, 12))
        assert again.lake.rows("rejects").num_rows == 0


@pytest.mark.slow
def test_while_the_lake_cannot_be_written_what_comes_waits(tmp_path: Path):
    lake = tmp_path / "lake"
    (lake / "requests").mkdir(parents=True)
    (lake / "requests" / "_delta_log").write_text("in the way")
    with Receiver(lake, every=0.1) as running:
        assert running.post(body(1))[0] == 200
        wait_until(lambda: any("Nothing was taken; trying again in " in line for line in running.said))
        assert len(running.spooled) == 1

        (lake / "requests" / "_delta_log").unlink()

        wait_until(lambda: stored(running.lake) == ids(1))


@pytest.mark.slow
def test_a_segment_that_cannot_be_read_stays_and_holds_up_nothing(tmp_path: Path):
    with Receiver(tmp_path / "lake", every=0.1) as running:
        damaged = tmp_path / "lake" / "spool" / "20260210T000000-000001.jsonl"
        damaged.write_bytes(b"\x1f\x8b is no gzip\n")
        for number in range(1, 4):
            assert running.post(body(number))[0] == 200
            wait_until(lambda number=number: stored(running.lake) == ids(*range(1, number + 1)))

        assert running.end() == 0

    assert damaged.exists()
    assert len([line for line in running.said if f"{damaged} cannot be read (" in line]) == 1
    assert running.lake.rows("rejects").num_rows == 0


needs_proc = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="tells processes by /proc")


@needs_proc
@pytest.mark.slow
def test_kills_of_the_process_that_commits_lose_and_double_nothing(tmp_path: Path):
    lake = tmp_path / "lake"
    sent: list[str] = []
    with Receiver(lake, every=0.1) as running:
        for kill in range(5):
            numbers = range(kill * 50 + 1, kill * 50 + 51)
            assert running.post(body(*numbers))[0] == 200
            sent += ids(*numbers)
            wait_until(lambda: bool(committers(lake)))
            time.sleep(0.05 * kill)
            for process in committers(lake):
                os.kill(process, signal.SIGKILL)

        assert running.end() == 0

        assert stored(running.lake) == sent
        assert running.spooled == []


@needs_proc
@pytest.mark.slow
def test_a_signal_to_all_processes_of_the_receiver_still_brings_everything_to_the_lake(tmp_path: Path):
    with Receiver(tmp_path / "lake", every=0.1) as running:
        assert running.post(body(1))[0] == 200
        wait_until(lambda: bool(committers(tmp_path / "lake")))
        assert running.post(body(2))[0] == 200
        for process in committers(tmp_path / "lake"):
            os.kill(process, signal.SIGTERM)

        assert running.end() == 0

        assert stored(running.lake) == ids(1, 2)
        assert running.said[-1].startswith("Ended: all that was accepted")
