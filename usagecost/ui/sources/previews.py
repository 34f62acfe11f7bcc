"""How files would be read: raw rows beside canonical ones, what the counts include, what is wrong with lines."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import streamlit as st

from usagecost.ingest import Preview
from usagecost.schema import COLUMN_BY_NAME, PROVENANCE_COLUMNS
from usagecost.ui.text import plain
from usagecost.vocabulary import formats

HIDDEN = {"day", "rank", "source", *PROVENANCE_COLUMNS}
LEADING = (
    "started_at", "model", "provider", "user_id", "status", "input_tokens", "cache_read_tokens", "cache_write_tokens",
    "output_tokens", "output_reasoning_tokens", "reported_cost_usd", "list_cost_usd", "price_status",
)  # fmt: skip
"""What a reader looks at first."""
MOST_REJECTS = 10


def show_preview(preview: Preview, counts: str, name: str) -> None:
    """The first rows as they are and as they would be read."""
    raw, canonical = st.columns(2, gap="medium")
    with raw:
        st.markdown("**File preview**")
        _table(frame_of(preview.raw), f"raw_{name}", "The first rows of the file as they stand in it")
    with canonical:
        st.markdown("**As it will be read**")
        if preview.requests.num_rows:
            _table(_requests(preview.requests), f"read_{name}", "The same rows as requests of the record")
        else:
            st.caption("No request comes of these rows.")
    st.caption(f"**What the counts include.** {plain(counts)}")
    _rejects(preview, name)


def frame_of(table: pa.Table) -> pd.DataFrame:
    """A table as a frame with Arrow's types: integers stay whole beside what is not known."""
    return table.to_pandas(types_mapper=pd.ArrowDtype)


def _requests(requests: pa.Table) -> pd.DataFrame:
    """The columns that say something, with times in UTC."""
    filled = [name for name in requests.column_names if name not in HIDDEN and requests[name].null_count < requests.num_rows]
    names = sorted(filled, key=lambda name: LEADING.index(name) if name in LEADING else len(LEADING))
    frame = frame_of(requests.select(names))
    frame["started_at"] = [f"{at:%Y-%m-%d %H:%M:%S} UTC" for at in requests["started_at"].to_pylist()]
    return frame.astype({name: float for name in names if pa.types.is_decimal(requests.schema.field(name).type)})


def _rejects(preview: Preview, name: str) -> None:
    """What is wrong with the first lines."""
    if not preview.rejects.num_rows:
        return
    of = f"Of the first {formats.exact_count(preview.lines)} lines, " if preview.lines else ""
    lines = "1 is rejected" if preview.rejects.num_rows == 1 else f"{formats.exact_count(preview.rejects.num_rows)} are rejected"
    st.warning(f"{of}{lines}; they are kept with their reason, and the others are loaded.", icon=":material/rule:")
    columns = ["line", "reason", "raw"]
    _table(frame_of(preview.rejects.slice(0, MOST_REJECTS).select(columns)), f"rejects_{name}", "Rejected lines with their reason")


def _table(frame: pd.DataFrame, name: str, alt_text: str) -> None:
    described = {
        column: st.column_config.Column(help=COLUMN_BY_NAME[column].meaning) for column in frame.columns if column in COLUMN_BY_NAME
    }
    st.dataframe(frame, key=f"table_{name}", hide_index=True, column_config=described, placeholder=formats.UNKNOWN, alt=alt_text)
