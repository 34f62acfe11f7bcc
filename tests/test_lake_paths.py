"""Lakes in folders of any name: they work whole, or are refused before anything is written."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from usagecost import ingest
from usagecost.cli import app
from usagecost.lake import Lake, LakeError, Selection
from usagecost.pricebook import add_entry, current_book, pricing

HEADER = "request_id,started_at,provider,model,user_id,input_tokens,output_tokens"
LINES = f"{HEADER}\n{{}}-1,2026-05-01T10:00:00Z,openai,gpt-4o,{{}},1000000,0\n"
NAMES = st.text(
    alphabet=st.one_of(st.sampled_from("%#?&+=:;'\"*[]{}~ \\25Fab"), st.characters(exclude_categories=["Cs"])), min_size=1
)


def write(folder: Path, user: str) -> Path:
    file = folder / f"{user}.csv"
    file.write_text(LINES.format(user, user))
    return file


@pytest.mark.slow
@settings(max_examples=3)
@given(NAMES.filter(lambda name: len(name.encode()) < 200 and not set("/\0") & set(name) and name not in (".", "..")))
@example("#a %b?")
@example("a%25b")
@example("a%2Fb")
@example("a\\b")
@example("a\tb")
def test_a_folder_works_whole_or_is_refused(name: str):
    with TemporaryDirectory() as home:
        folder = Path(home, "x", name)
        if re.search(r"[\\\x00-\x1f\x7f]|%[0-9A-Fa-f]{2}", name):
            with pytest.raises(LakeError, match="in the path of a folder is read as something else by Delta Lake"):
                Lake(folder / "lake")
            assert not Path(home, "x").exists()
            return
        lake = Lake(folder / "lake")
        for user in ("ann", "bob"):
            assert ingest.ingest([write(Path(home), user)], lake).inserted == 1
        add_entry(lake, '[[price]]\nmodel = "gpt-4o"\ninput = 1.0\noutput = 1.0')
        act = {"who": "a", "why": None, "prices": current_book(lake).version}
        assert lake.reprice(pricing(current_book(lake).book), (None, None), about=act).requests == 2
        assert lake.remove(Selection(user="ann")).requests == 1
        assert lake.vacuum(0) >= 0
        assert [(file.day, file.rows) for file in Lake(folder / "lake").snapshot().data_files] == [(date(2026, 5, 1), 1)]
        assert [path.name for path in Path(home, "x").iterdir()] == [name]


@pytest.mark.parametrize(
    "command", [("ingest", "."), ("remove", "--user", "a", "--yes"), ("reprice",), ("doctor",), ("upgrade",), ("prices",)]
)
def test_commands_refuse_it_in_a_sentence(tmp_path: Path, command: tuple[str, ...]):
    done = CliRunner().invoke(app, [*command, "--lake", str(tmp_path / "a%25b" / "lake")])

    assert done.exit_code == 1
    assert "'%25' in the path of a folder is read as something else by Delta Lake. Rename the folder" in done.output
    assert list(tmp_path.iterdir()) == []
