"""Records what a client of OpenTelemetry sends: `python tests/clients/record.py --client NAME`.

It starts a pretended provider and a collector, runs the script of the client against both, and writes what came to
recorded/NAME.jsonl and what was used to recorded/NAME.ledger.json. Run it with the Python that has the client; see README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from capture import Collector  # noqa: E402
from fake_server import FakeProviders  # noqa: E402

SECONDS = 120


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--client", required=True, choices=find_clients())
    client = asked.parse_args().client
    providers, collector = FakeProviders(), Collector()
    for server in (providers, collector):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    run_client(client, providers.address, collector.address)
    write_recording(client, providers, collector)
    return 0


def find_clients() -> dict[str, Path]:
    """Return the scripts of the clients by the clients' names."""
    scripts = (path for path in HERE.iterdir() if path.name.startswith("run_") and path.suffix in (".py", ".mjs"))
    return {path.stem.removeprefix("run_"): path for path in sorted(scripts)}


def run_client(client: str, providers: str, collector: str) -> None:
    """Run the script of a client with the addresses of both servers. Raises CalledProcessError, TimeoutExpired."""
    script = find_clients()[client]
    program = "node" if script.suffix == ".mjs" else sys.executable
    addresses = {
        "OPENAI_BASE_URL": f"{providers}/v1",
        "ANTHROPIC_BASE_URL": providers,
        "GEMINI_BASE_URL": providers,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        "LANGFUSE_BASE_URL": collector,
        "LANGFUSE_HOST": collector,
    }
    keys = {"OPENAI_API_KEY": "none", "ANTHROPIC_API_KEY": "none", "LANGFUSE_PUBLIC_KEY": "none", "LANGFUSE_SECRET_KEY": "none"}
    quiet = {
        "OTEL_SERVICE_NAME": client,
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "TRACELOOP_TRACE_CONTENT": "true",
    }
    subprocess.run([program, script], env={**os.environ, **addresses, **keys, **quiet}, timeout=SECONDS, check=True)


def write_recording(client: str, providers: FakeProviders, collector: Collector) -> None:
    """Write one line for each export, and one for each call of the ledger."""
    folder = HERE / "recorded"
    folder.mkdir(exist_ok=True)
    lines = [json.dumps(export, ensure_ascii=False, separators=(",", ":")) + "\n" for export in collector.exports]
    (folder / f"{client}.jsonl").write_text("".join(lines))
    calls = ",\n".join(json.dumps(call) for call in providers.ledger)
    (folder / f"{client}.ledger.json").write_text(f"[\n{calls}\n]\n")
    print(f"{client}: {len(providers.ledger)} calls, {len(lines)} exports")


if __name__ == "__main__":
    sys.exit(main())
