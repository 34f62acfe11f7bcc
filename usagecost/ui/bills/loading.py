"""Loading bills: dropped files are kept as statements with one click; the list of those that are loaded, and removing one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from usagecost.bills import BillProblem, Loaded, Statement, load_files, statement_files, statements
from usagecost.engine import open_lake
from usagecost.lake import LakeError
from usagecost.periods.words import days_text
from usagecost.ui import address, going, viewing
from usagecost.ui.acts import act
from usagecost.ui.answers import answer, empty, tried
from usagecost.ui.blocks import heading, table
from usagecost.ui.frame import is_sample
from usagecost.ui.reader import may
from usagecost.ui.sources.loading import MOST_UPLOAD_MB
from usagecost.ui.text import plain
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import counted

LONGEST_NAME = 100
_ROUND, _OUTCOMES = "_bill_round", "_bill_outcomes"


def loaded(view: View) -> None:
    """Draws where bills are dropped, and the statements of the lake."""
    say_what_was_done()
    drop_zone(view.lake)
    if statements := answer(of_files, view.lake, tried(lambda: open_lake(view.lake).files("bills"))):
        _list(view.lake, statements)
    else:
        empty("No bills yet", "Bills that are loaded are listed here, and can be removed.")


def of_files(lake: str, _files: tuple[str, ...]) -> list[Statement]:
    """Returns the statements of a lake, whose bills are in some files: a version of them."""
    return statements(open_lake(lake))


def drop_zone(lake: str) -> None:
    """Where bills are dropped, and the button that loads them. The sample, which nobody may change, takes none."""
    if not may("bill"):
        return
    if is_sample(lake):
        query = address.page_query("Sources", viewing.choices())
        st.page_link("pages/5_Sources.py", label="**Load your own logs first**", icon=":material/database:", query_params=query)
        return
    files = st.file_uploader(
        "**Drop bills here**, or choose them: cost exports of providers and clouds as CSV, JSON or Parquet",
        accept_multiple_files=True,
        key=f"drop_bills_{st.session_state.get(_ROUND, 0)}",
        max_upload_size=MOST_UPLOAD_MB,
        help="OpenAI costs, Anthropic cost report, OpenRouter activity, AWS CUR, Azure cost details, Google Cloud billing, FOCUS. "
        "Larger files: `python -m usagecost bill PATH …`",
    )
    if files:
        label = f"Load {counted(len(files), 'bill')}"
        st.button(label, key="load_bills", type="primary", icon=":material/receipt_long:", on_click=_load, args=(lake, files))


def _load(lake: str, files_dropped: Sequence[UploadedFile]) -> None:
    """Loads the statements of dropped files: those into which an export was cut are one."""
    outcomes: list[tuple[str, Loaded | str]] = []
    with TemporaryDirectory(prefix="usagecost-") as folder:
        try:
            for file in files_dropped:
                _free_path(Path(folder), file.name).write_bytes(file.getbuffer())
        except OSError as problem:
            outcomes.append(("The bill", f"The files cannot be kept in {folder} ({problem.strerror}): free some room."))
        for files in statement_files([Path(folder)]) if not outcomes else []:
            name = files[0].name
            try:
                load = act(
                    "bill",
                    f"load {name}",
                    partial(load_files, open_lake(lake), files, name=name),
                    says=lambda bill: bill.words,
                )
                outcomes.append((name, load))
            except (BillProblem, LakeError) as problem:
                outcomes.append((name, str(problem)))
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    st.session_state[_OUTCOMES] = outcomes
    if any(isinstance(result, Loaded) for _, result in outcomes):
        going.to_part("Reconciliation")


def _free_path(folder: Path, name: str) -> Path:
    """Where a dropped file is put: under its name, as far as a disk takes that, as parts of an export know each other by it."""
    safe = re.sub(r"[^\w.-]+", "-", name.replace("\\", "/").rpartition("/")[2])[-LONGEST_NAME:].lstrip(".-") or "bill"
    if (folder / safe).exists():
        folder = Path(mkdtemp(dir=folder))
    return folder / safe


def say_what_was_done() -> None:
    """Says, once, what came of the last load."""
    for name, result in st.session_state.pop(_OUTCOMES, ()):
        if isinstance(result, str):
            st.error(plain(result), title=f"{plain(name)} was not loaded")
            continue
        words = f"{result.title}: {counted(result.lines, 'line')}, {days_text(result.first_day, result.last_day)}."
        left_out = sum(result.left_out.values())
        words += f" {counted(left_out, 'line')} are not about models." if left_out else ""
        words += "" if result.is_new else " It was loaded before; nothing is changed."
        st.success(plain(words), title=f"{plain(name)} is loaded", icon=":material/check_circle:")


def _list(lake: str, statements: Sequence[Statement]) -> None:
    rows = pd.DataFrame(
        {
            "days": [days_text(one.covers_first, one.covers_last) for one in statements],
            "provider": [one.provider for one in statements],
            "account": [one.account for one in statements],
            "format": [one.format for one in statements],
            "amount": [", ".join(f"{amount:,.2f} {name}" for name, amount in sorted(one.totals.items())) for one in statements],
            "lines": [one.lines for one in statements],
            "counting": [one.counting for one in statements],
            "as_of": [one.as_of.replace(tzinfo=None) for one in statements],
        }
    )
    heading("Loaded bills", lambda: rows, name="loaded-bills", help="Of two bills of a day the newer counts; both are kept.")
    table(
        rows,
        name="loaded-bills",
        columns={
            "days": st.column_config.TextColumn("Days (UTC)", width=190),
            "provider": st.column_config.TextColumn("Provider", width=110),
            "account": st.column_config.TextColumn("Account", width=130),
            "format": st.column_config.TextColumn("Format", width=130),
            "amount": st.column_config.TextColumn("Amount", width=130, alignment="right"),
            "lines": st.column_config.NumberColumn("Lines", format="localized", width=80),
            "counting": st.column_config.NumberColumn(
                "Counting", format="localized", width=90, help="Lines that no newer bill replaces"
            ),
            "as_of": st.column_config.DatetimeColumn("Made (UTC)", format="YYYY-MM-DD HH:mm", width=130),
        },
        alt_text="Bills that are loaded, with their days, amounts and how many of their lines count",
    )
    names = {
        one.statement: f"{one.provider}, {days_text(one.covers_first, one.covers_last)} ({one.statement[:8]})" for one in statements
    }
    if not may("bill"):
        return
    with st.popover("Remove a bill", icon=":material/delete:", key="remove_bill"):
        statement = st.selectbox("Bill", list(names), format_func=names.__getitem__, key="bill_to_remove", width=420)
        st.caption("Bills that it replaced count again. The file can be loaded anew.")
        about = (lake, statement, names[statement])
        st.button("Remove bill", key="remove_bill_now", type="primary", on_click=_remove, args=about)


def _remove(lake: str, statement: str, name: str) -> None:
    try:
        lines = act("bill", f"remove {name}", lambda: open_lake(lake).remove_bill(statement), before=statement)
    except LakeError as problem:
        st.session_state[_OUTCOMES] = [("The bill", str(problem))]
    else:
        st.toast(f"{counted(lines, 'line')} removed", icon=":material/check_circle:")
