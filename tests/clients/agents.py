"""Runs a coding agent of the command line, one prompt a run, in a home of its own that is thrown away.

The agents are those of package.json; AGENTS names another folder of Node's programs.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

PROGRAMS = Path(os.environ.get("AGENTS", Path(__file__).parent / "node_modules" / ".bin"))
SECONDS = 60


def run_agent(prompts: Sequence[str], command: Sequence[str], settings: Mapping[str, str], env: Mapping[str, str]) -> None:
    """Run a command once for each prompt, its last word; `settings` are files of the home, `env` is added to this process's.

    An empty value takes a variable away.
    """
    with tempfile.TemporaryDirectory() as home:
        for name, text in settings.items():
            path = Path(home, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        folder = Path(home, "project")
        folder.mkdir()
        program, *rest = command
        for prompt in prompts:
            subprocess.run(
                [PROGRAMS / program, *rest, prompt],
                cwd=folder,
                env={name: value for name, value in {**os.environ, "HOME": home, **env}.items() if value},
                stdin=subprocess.DEVNULL,
                timeout=SECONDS,
                check=False,  # a call that fails ends some of them so
            )
