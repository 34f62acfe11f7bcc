"""What people call a team, user or key: names where they are known, told apart where two are the same, never a number changed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from tests import pages
from tests.litellm_rows import spend_log
from tests.source_rows import json_lines
from tests.views import request
from usagecost import queries
from usagecost.cli import app
from usagecost.exports import csv_text
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.queries import folds
from usagecost.schema import NAMES
from usagecost.vocabulary.filters import EVERYTHING, NOT_REPORTED
from usagecost.vocabulary.labels import Labels, distinct_labels

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SEARCH, ADS, OTHER_ADS = "0f3a1c66-1", "77aa21d9-20", "77aa21d9-31"


def names(*rows: tuple[str, str, str], source: str = "litellm", seen_at: datetime = NOW) -> pa.Table:
    """Rows of (field, id, name)."""
    return pa.Table.from_pylist(
        [{"source": source, "field": field, "id": id_, "name": name, "seen_at": seen_at} for field, id_, name in rows], NAMES
    )


# ---- what an id is called


def test_an_id_is_called_by_its_name_and_anything_else_as_it_stands():
    labels = Labels.of_names(names(("team_id", SEARCH, " Search\nteam "), ("user_id", "u1", "Ada"), ("virtual_key", "k1", "ci")))

    assert (labels.of("team", SEARCH), labels.of("user", "u1"), labels.of("key", "k1")) == ("Search team", "Ada", "ci")
    assert (labels.of("team", "u1"), labels.of("model", SEARCH), labels.of("team", "unknown")) == ("u1", SEARCH, "unknown")
    assert (labels.of("streaming", "streamed"), labels.of("streaming", "at once")) == ("streaming", "not streaming")
    assert (labels.id_of("team", "Search team"), labels.id_of("team", SEARCH)) == (SEARCH, SEARCH)


def test_two_ids_of_one_name_are_told_apart_by_as_much_of_their_ids_as_it_takes_and_a_name_from_an_unnamed_id():
    assert distinct_labels({ADS: "Ads", OTHER_ADS: "Ads", SEARCH: "Search"}) == {
        ADS: "Ads (77aa21d9-2)",
        OTHER_ADS: "Ads (77aa21d9-3)",
        SEARCH: "Search",
    }
    of_both = Labels.of_names(names(("team_id", SEARCH, "Search"))).of_all("team", [SEARCH, "Search"])
    assert of_both == {SEARCH: f"Search ({SEARCH})", "Search": "Search"}


@pytest.mark.parametrize("name", [NOT_REPORTED, "Other", "b"])
def test_a_name_that_means_something_else_carries_its_id(name: str):
    assert distinct_labels({"a": name, "b": "B"}) == {"a": f"{name} (a)", "b": "B"}


IDS = st.text("ab", min_size=1, max_size=12)


@given(st.dictionaries(IDS, st.sampled_from(["Ads", "Search", "a", "ab"]), max_size=8), st.lists(IDS, max_size=4))
def test_no_two_ids_are_ever_shown_alike(known: dict[str, str], others: list[str]):
    shown = Labels({"team": distinct_labels(known)}).of_all("team", [*known, *others])

    assert len(set(shown.values())) == len(shown)


# ---- what the lake keeps


def test_the_newest_name_stays_in_whatever_order_they_come(tmp_path: Path):
    older = names(("team_id", SEARCH, "Find"), ("team_id", ADS, "Ads"), seen_at=NOW - timedelta(days=3))
    newer = names(("team_id", SEARCH, "Search"))
    kept = []
    for place, order in enumerate([(older, newer), (newer, older)]):
        lake = Lake(tmp_path / str(place))
        counts = [lake.keep_rows("names", one) for one in order]
        kept.append((counts, lake.rows("names").to_pylist()))

    assert [counts for counts, _ in kept] == [[2, 1], [1, 1]]
    assert kept[0][1] == kept[1][1]
    assert {row["id"]: row["name"] for row in kept[0][1]} == {SEARCH: "Search", ADS: "Ads"}


def test_logs_tell_what_teams_are_called(tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    rows = [
        spend_log(request_id="r1", team_id=SEARCH, metadata={"user_api_key_team_alias": "Find"}),
        spend_log(request_id="r2", team_id=SEARCH, metadata={"user_api_key_team_alias": "Search"}, startTime="2026-05-01 11:00:00"),
        spend_log(request_id="r3", team_id=ADS, metadata={"user_api_key_team_alias": ""}),
    ]

    ingest([json_lines(tmp_path / "logs.jsonl", rows)], lake)

    assert [(row["field"], row["id"], row["name"]) for row in lake.rows("names").to_pylist()] == [("team_id", SEARCH, "Search")]


# ---- what is shown


@pytest.fixture(scope="module")
def lake(lake_of: Callable[..., str]) -> str:
    """Requests of three teams, of which two have one name, and of none; a user and a key with names."""
    root = lake_of(
        request("2026-05-01 10:00", team_id=SEARCH, user_id="u1", virtual_key="k1", list_cost_usd=Decimal(4), status="success"),
        request("2026-05-01 11:00", team_id=ADS, user_id="u2", list_cost_usd=Decimal(2), status="success"),
        request("2026-05-01 12:00", team_id=OTHER_ADS, list_cost_usd=Decimal(1), status="success"),
        request("2026-05-01 13:00", list_cost_usd=Decimal(8)),
    )
    rows = [("team_id", SEARCH, "<b>Search</b>"), ("team_id", ADS, "Ads"), ("team_id", OTHER_ADS, "Ads"), ("user_id", "u1", "Ada")]
    Lake(root).keep_rows("names", names(*rows, ("virtual_key", "k1", "=ci")))
    return root


DAY = {"range": "Custom range", "days": ["2026-05-01", "2026-05-01"]}


def opened(lake: str, monkeypatch: pytest.MonkeyPatch, path: str = "app.py", **link: str | list[str]) -> AppTest:
    monkeypatch.delenv("USAGECOST_ZONE", raising=False)
    monkeypatch.setenv("USAGECOST_LAKE", lake)
    return pages.opened(path, **(DAY | link))


def drawn_names(page: AppTest) -> list[list[str]]:
    """The names in the data of each chart, each once."""
    frames = [pa.ipc.open_stream(element.proto.datasets[0].data.data).read_pandas() for element in page.get("vega_lite_chart")]
    return [list(dict.fromkeys(frame["name"].dropna())) for frame in frames if "name" in frame]


def test_charts_and_panels_call_teams_by_their_names(lake: str, monkeypatch: pytest.MonkeyPatch):
    page = opened(lake, monkeypatch, tab="Cost", by="team", ranked="Chart view")
    asked = json.dumps({"metrics": ["spend_usd"], "split": "team", "chart": "ranked"})
    panel = opened(lake, monkeypatch, "pages/3_Explore.py", asked=asked)

    expected = {"<b>Search</b>", "Ads (77aa21d9-2)", "Ads (77aa21d9-3)", NOT_REPORTED}
    assert [set(found) for found in (*drawn_names(page)[:2], drawn_names(panel)[0])] == [expected] * 3


@pytest.mark.parametrize("said", ["Ada", "u1"])
def test_a_user_is_found_by_name_or_id(lake: str, monkeypatch: pytest.MonkeyPatch, said: str):
    page = opened(lake, monkeypatch, tab="User activity", chosen_user=said)

    assert page.selectbox(key="chosen_user_box").value == said
    assert page.metric[0].value == "1"


def test_the_table_of_users_has_names_and_ids(lake: str, monkeypatch: pytest.MonkeyPatch):
    page = opened(lake, monkeypatch, tab="User activity")

    assert page.selectbox(key="chosen_user_box").options == [NOT_REPORTED, "Ada", "u2"]
    shown = page.dataframe[0].value
    assert list(shown["user"]) == [NOT_REPORTED, "Ada", "u2"]
    assert list(shown["user_id"].fillna("")) == ["", "u1", "u2"]


@pytest.mark.parametrize(
    ("said", "chosen", "requests", "chip"),
    [
        ("<b>Search</b>", SEARCH, "1", r"team is \<b\>Search\</b\>"),
        (SEARCH, SEARCH, "1", r"team is \<b\>Search\</b\>"),
        ("Was called so once", "Was called so once", "0", "team is Was called so once"),  # nothing, rather than all
    ],
)
def test_a_filter_understands_names_and_ids(
    lake: str, monkeypatch: pytest.MonkeyPatch, said: str, chosen: str, requests: str, chip: str
):
    page = opened(lake, monkeypatch, team=said)

    assert (page.session_state["team"], page.metric[0].value) == ([chosen], requests)
    assert page.button(key="chip_team").label == chip


def test_the_list_of_requests_has_names_and_can_show_ids_and_a_search_finds_users_by_their_names(
    lake: str, monkeypatch: pytest.MonkeyPatch
):
    shown, found = (opened(lake, monkeypatch, "pages/1_Traces.py", q=text).dataframe[0].value for text in ("", "aDa"))

    assert list(shown["team_id"].fillna("")) == ["", "Ads (77aa21d9-3)", "Ads (77aa21d9-2)", "<b>Search</b>"]
    assert list(shown["id_of_team"].fillna("")) == ["", OTHER_ADS, ADS, SEARCH]
    assert list(shown["user_id"].fillna("")) == ["", "", "u2", "Ada"]
    assert list(found["id_of_user"]) == ["u1"]


@pytest.mark.parametrize("said", ["Ads (77aa21d9-2)", ADS])
def test_an_export_can_be_filtered_by_name_or_id(lake: str, tmp_path: Path, said: str):
    file = tmp_path / "requests.csv"
    options = ["--lake", lake, "--start", "2026-05-01", "--end", "2026-05-01", "-o", str(file), "--filter", f"team={said}"]
    done = CliRunner().invoke(app, ["export", *options])

    assert done.exit_code == 0, done.output
    assert [row["team_id"] for row in csv.DictReader(io.StringIO(file.read_text()))] == [ADS]


def test_csv_has_the_ids_beside_the_names_and_numbers_are_folds_by_id(lake: str):
    values = queries.labels(lake, Lake(lake).version(), EVERYTHING)
    rows = summary(lake, "team")

    assert [(row["team"], row["team_id"], row["requests"]) for row in rows] == [
        ("", "", "1"),
        ("<b>Search</b>", SEARCH, "1"),
        (values.of("team", ADS), ADS, "1"),
        (values.of("team", OTHER_ADS), OTHER_ADS, "1"),
    ]
    assert [row["key"] for row in summary(lake, "key")] == ["", "'=ci"]
    assert "model_id" not in summary(lake, "model")[0], "where nothing has a name there is no second column"


def summary(lake: str, by: str) -> list[dict[str, str]]:
    options = ["--lake", lake, "--start", "2026-05-01", "--end", "2026-05-01", "--by", by, "--format", "csv"]
    done = CliRunner().invoke(app, ["summary", *options])
    assert done.exit_code == 0, done.output
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_a_download_has_the_ids_where_there_are_names():
    ranking = pd.DataFrame({"value": ["u1"], "name": ["Ada"], "has_names": [True], "requests": [1]})
    assert csv_text(folds.ranking_table(ranking, "user", ("requests",))) == "user,user_id,requests\nAda,u1,1\n"
