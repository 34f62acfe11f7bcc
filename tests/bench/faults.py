"""What a lake withstands: processes that are killed, files that are damaged, input that is hostile. To be run before a release.

    python tests/bench/faults.py kills [--kills 1000] [--minutes 60] [--feeds ingests,closes] [--seed 1]
    python tests/bench/faults.py damage [--places 1] [--only _delta_log] [--pages]
    python tests/bench/faults.py bombs [--only receive]

**kills** runs every act by which a lake changes in a process of its own, and ends most of them with SIGKILL at a random moment.
After each round the lake is read; at last what was not whole is run once more, as its service would do, and the lake has to hold
everything once, with rollups that say what its rows say.

**damage** cuts, flips (a bit, at so many places) and removes each file of a small lake in turn, and of what lies beside it, and
asks commands, the API and pages: each has to say the right number or a sentence. Before it asks, `doctor --verify` has run.

**bombs** gives files to `ingest` and to what reads uploads, and bodies and questions to `receive` and `serve`, that are packed a
thousandfold, nested, endless or beyond numbers: each has to end in a sentence, in bounded memory.

The exit status is 1 where anything is wrong.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.faults_bombs import ended_of_files, of_api, of_receiver
from tests.bench.faults_damage import answers_after, cases, import_everything, in_a_process, kind_of, make, says, wrong
from tests.bench.faults_services import Receives, Syncs
from tests.killed import acts_in_children
from tests.killed_books import Alerts, Closes
from tests.killed_feeds import Feed, Ingests, Removals, Repricings, Watches
from tests.killed_rounds import kill
from tests.postgres import programs, running_server
from tests.webhook import webhook

FEEDS: dict[str, Callable[[Path, random.Random, ExitStack], Feed]] = {
    **{feed.__name__.lower(): lambda folder, drawn, _, feed=feed: feed(folder, drawn)
       for feed in (Ingests, Watches, Removals, Repricings, Closes, Receives)},
    "alerts": lambda folder, drawn, stack: Alerts(folder, drawn, stack.enter_context(webhook())),
    "syncs": lambda folder, drawn, stack: Syncs(folder, drawn, stack.enter_context(running_server(programs() or Path()))),
}  # fmt: skip


MOST_MB = 1_200
"""That a process may have."""


def kills(asked: argparse.Namespace) -> bool:
    """Kills the acts of each feed in turn, and prints a line of a table for it; whether nothing was wrong."""
    names = asked.feeds.split(",") if asked.feeds else list(FEEDS)
    is_right = True
    print(f"| feed | killed | ended before | wrong | s | load |\n|---|{'---:|' * 5}", flush=True)
    for name in names:
        drawn = random.Random(f"{asked.seed} {name}")
        with TemporaryDirectory() as folder, ExitStack() as stack:
            feed = FEEDS[name](Path(folder), drawn, stack)
            act = stack.enter_context(acts_in_children())
            done = kill(feed, act, -(-asked.kills // len(names)), drawn, asked.minutes * 60 / len(names))
        is_right &= not done.wrong
        counts = f"{done.killed} | {done.whole} | {len(done.wrong)} | {done.seconds:.0f} | {os.getloadavg()[0]:.0f}"
        print(f"| {name} | {counts} |", flush=True)
        for problem in done.wrong[:10]:
            print(f"  {problem}", file=sys.stderr, flush=True)
    return is_right


def damage(asked: argparse.Namespace) -> bool:
    """Damages each file in turn, and prints what came of it by kind of file; whether nothing was wrong."""
    with TemporaryDirectory() as folder:
        whole = Path(folder, "whole")
        import_everything()
        token = in_a_process(lambda: make(whole / "lake"))
        right, counts = answers_after(None, whole, token, of_pages=asked.pages), Counter[tuple[str, str]]()
        for case in cases(whole, asked.places):
            if asked.only and asked.only not in case.file:
                continue
            found = answers_after(case, whole, token, of_pages=asked.pages)
            problems = list(wrong(case, right, found))
            said = any(says(told, right.get(who)) for who, told in found.items())
            counts[kind_of(case.file), "wrong" if problems else "said" if said else "right"] += 1
            for problem in problems:
                print(f"{case.file} {case.damage}: {problem}", file=sys.stderr, flush=True)
    print("| files | damages | all right | a sentence | wrong |\n|---|---:|---:|---:|---:|")
    for kind in sorted({kind for kind, _ in counts}):
        numbers = [counts[kind, what] for what in ("right", "said", "wrong")]
        print(f"| {kind} | {sum(numbers)} | {' | '.join(map(str, numbers))} |")
    return not any(what == "wrong" for _, what in counts)


def bombs(asked: argparse.Namespace) -> bool:
    """Prints a line for each bomb; whether all ended well."""
    is_right = True
    print("| bomb | calm | peak MB | s | said |\n|---|---|---:|---:|---|")
    with TemporaryDirectory() as folder:
        for kind in (of_receiver, of_api, ended_of_files):
            if asked.only and asked.only not in kind.__name__:
                continue
            for name, ended in kind(Path(folder)):
                is_right &= (is_calm := ended.is_calm and ended.peak_mb < MOST_MB)
                said = " ".join(ended.said.split())
                print(
                    f"| {name} | {'yes' if is_calm else 'NO'} | {ended.peak_mb:.0f} | {ended.seconds:.0f} | {said[-300:]} |",
                    flush=True,
                )
    return is_right


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(required=True)
    part = parts.add_parser("kills")
    part.set_defaults(run=kills)
    part.add_argument("--kills", type=int, default=1_000)
    part.add_argument("--minutes", type=float, default=60.0)
    part.add_argument("--feeds", help=f"some of {', '.join(FEEDS)}")
    part.add_argument("--seed", type=int, default=1)
    part = parts.add_parser("damage")
    part.set_defaults(run=damage)
    part.add_argument("--places", type=int, default=1, help="at which a file is flipped")
    part.add_argument("--only", help="files with this in their path")
    part.add_argument("--pages", action="store_true", help="ask the pages too, which takes some seconds a case")
    part = parts.add_parser("bombs")
    part.set_defaults(run=bombs)
    part.add_argument("--only", help="receiver, api or files")
    asked = parser.parse_args()
    sys.exit(not asked.run(asked))


if __name__ == "__main__":
    main()
