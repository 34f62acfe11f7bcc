"""Every page as somebody with a role sees it: nothing that is not theirs is in anything that the page sends to the browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.roles import HIDDEN, OTHERS, make_lake
from usagecost.lake import Lake
from usagecost.ui.memory import forget

HOME = Path(__file__).parents[1]
DRAWN = re.compile(r'deferred_file_id: "\w+"|uuid: "\w+"|\d+\s(?:s|min) ago')
IDS = re.compile(r"\$\$ID-\w+|user_key: \"\w+\"")
AUTH = {"client_id": "app", "client_secret": "x", "server_metadata_url": "https://id.example/.well-known/openid-configuration",
        "redirect_uri": "https://usage.example/oauth2callback", "cookie_secret": "a-long-secret-of-this-test"}  # fmt: skip

PAGES: list[tuple[str, dict[str, Any]]] = [
    *(("app.py", {"tab": tab}) for tab in ("Totals", "Cost", "Model activity", "User activity")),
    ("app.py", {"tab": "Cost", "by": "user", "compare": "none"}),
    ("pages/1_Traces.py", {}),
    ("pages/1_Traces.py", {"part": "Errors"}),
    ("pages/1_Why.py", {}),
    ("pages/1_Why.py", {"part": "Unusual days"}),
    *(("pages/2_Dashboards.py", {"board": board}) for board in ("overview", "reliability", "cost", "theirs.toml")),
    ("pages/3_Explore.py", {}),
    ("pages/4_Bills.py", {}),
    ("pages/4_Budgets.py", {}),
    ("pages/4_Budgets.py", {"part": "Alerts"}),
    ("pages/4_Prices.py", {}),
    ("pages/5_Sources.py", {}),
    ("pages/6_Access.py", {}),
]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A lake of which most is another's."""
    return make_lake(tmp_path_factory.mktemp("roles") / "lake")


@dataclass
class Opened:
    """A page that was opened, and all that it sent."""

    page: AppTest

    @property
    def sent(self) -> bytes:
        """The bytes of it."""
        return b"\n".join(one.SerializeToString() for one in self._elements())

    @property
    def told(self) -> list[str]:
        """A text an element, without ids that are drawn, and without how long ago it is."""
        return [DRAWN.sub("", str(one)) for one in self._elements()]

    def _elements(self) -> Iterator[Any]:
        return (node.proto for node in self.page._tree if getattr(node, "proto", None))


@pytest.fixture
def open_as(lake: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Opened]:
    """Opens a page as somebody: ``open_as("mem", "pages/1_Why.py", part=…)``."""
    monkeypatch.setenv("USAGECOST_LAKE", lake)
    monkeypatch.delenv("USAGECOST_ZONE", raising=False)

    def open_it(who: str, file: str, **link: Any) -> Opened:
        page = AppTest.from_file(str(HOME / "app.py"), default_timeout=120)
        if file != "app.py":
            page.switch_page(file)
        page.secrets["auth"] = AUTH
        page.user.update({"is_logged_in": True, "email": f"{who}@example.com"})
        for name, value in link.items():
            page.query_params[name] = value
        page.run()
        assert not page.exception, page.exception[0].value
        return Opened(page)

    return open_it


@pytest.mark.parametrize(("file", "link"), PAGES)
def test_a_member_is_sent_nothing_of_others(open_as: Callable[..., Opened], file: str, link: dict[str, Any]):
    opened = open_as("mem", file, **link)

    assert not [found for found in (OTHERS, "7,777", "7777.77", "424,242", "424242", "/srv/") if found.encode() in opened.sent]


@pytest.mark.slow
def test_a_page_tells_the_same_where_there_are_no_others(
    open_as: Callable[..., Opened], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    now = datetime.now(UTC)
    monkeypatch.setattr("usagecost.ui.frame.as_of", lambda *_: now)
    lakes = [make_lake(tmp_path / name / "lake", now, has_others=name == "all") for name in ("all", "ours")]
    for file, link in (*PAGES, ("pages/1_Traces.py", {"request": "our-3"})):
        told = []
        for one in lakes:
            monkeypatch.setenv("USAGECOST_LAKE", one)
            told.append(open_as("lea", file, **link).told)

        assert told[0] == told[1], f"{file} {link}"


@pytest.mark.parametrize(("who", "spend"), [("ada", "$311,120.80"), ("fin", "$311,120.80"), ("lea", "$10.00"), ("mem", "$10.00")])
def test_each_sees_the_spend_of_their_requests_and_the_pages_of_their_role(open_as: Callable[..., Opened], who: str, spend: str):
    opened = open_as(who, "app.py", range="All time", compare="none")
    menu = {link.proto.label for link in opened.page.sidebar.get("page_link")}
    pages = {file.stem.split("_")[1].capitalize() for file in (HOME / "pages").glob("*.py")}

    assert pages - menu == HIDDEN[who] & pages
    assert spend in [card.value for card in opened.page.metric]
    assert (OTHERS.encode() in opened.sent) is (who in ("ada", "fin"))


def test_a_lead_sees_the_alerts_of_budgets_of_their_requests_alone(open_as: Callable[..., Opened]):
    listed, budgets = (open_as("lea", "pages/4_Budgets.py", part=part) for part in ("Alerts", "Budgets"))

    assert set(listed.page.dataframe[0].value["alert"]) == {f"Budget Search of ours: {share}% used" for share in (100, 80)}
    assert sum(":material/notifications: " in note.value for note in budgets.page.caption) == 2
    assert OTHERS.encode() not in listed.sent + budgets.sent


@pytest.mark.parametrize("who", ["ada", "fin", "lea", "mem"])
def test_a_page_that_is_not_for_a_role_says_so_and_every_other_opens(open_as: Callable[..., Opened], who: str):
    for file in sorted((HOME / "pages").glob("*.py")):
        sent = open_as(who, f"pages/{file.name}").sent
        assert (b"This page is not for your role" in sent) is (file.stem.split("_")[1] in HIDDEN[who])


def test_who_has_no_role_sees_that_and_the_way_out(open_as: Callable[..., Opened]):
    opened = open_as("nob", "app.py")

    assert ["have no role here yet" in error.value for error in opened.page.error] == [True]
    assert [button.label for button in opened.page.button] == ["Sign out"]
    assert OTHERS.encode() not in opened.sent


@pytest.mark.parametrize(
    ("file", "link"),
    [
        ("pages/1_Traces.py", {"request": f"{OTHERS}-0"}),
        ("pages/1_Traces.py", {"q": OTHERS, "user": f"{OTHERS}-user"}),
        ("app.py", {"user": f"{OTHERS} Person", "tab": "Cost"}),
        ("pages/1_Why.py", {"user": f"{OTHERS}-user", "not_user": "true"}),
        ("pages/2_Dashboards.py", {"board": "theirs.toml"}),
        ("pages/4_Budgets.py", {"budget": f"{OTHERS} theirs"}),
    ],
)
def test_a_link_to_what_is_anothers_opens_what_one_to_nothing_does(open_as: Callable[..., Opened], file: str, link: dict[str, Any]):
    def told(**link: Any) -> str:
        forget()  # a page that waits for its numbers shows so
        text = "\n".join(open_as("mem", file, **link).told)
        return IDS.sub("", text.replace("jkw", OTHERS).replace("nobody", "theirs"))

    of_nothing = {name: value.replace(OTHERS, "jkw").replace("theirs", "nobody") for name, value in link.items()}
    assert told(**link) == told(**of_nothing)


def test_who_may_not_change_anything_is_offered_no_way_to(open_as: Callable[..., Opened]):
    for file in ("app.py", "pages/2_Dashboards.py", "pages/3_Explore.py", "pages/4_Budgets.py"):
        keys = {str(button.key) for button in open_as("lea", file).page.button}

        assert not [key for key in keys if key.startswith(("note_", "new_", "edit_", "create_", "add_", "save_"))]


def test_a_role_that_is_taken_away_is_gone_at_the_next_click_also_in_a_dialog(open_as: Callable[..., Opened], lake: str):
    page = open_as("ada", "pages/1_Traces.py", request=f"{OTHERS}-0").page
    assert OTHERS.encode() in Opened(page).sent
    folder = Lake(lake).texts_beside()
    said = folder.read("access.toml") or ""
    folder.put("access.toml", said.replace('"admin"', '"member"'), seen=said)
    try:
        page.button(key="request_next").click().run()
        sent = Opened(page).sent
        assert not [found for found in (f"{OTHERS}-model", f"{OTHERS}-user", "7,777") if found.encode() in sent]
    finally:
        folder.put("access.toml", said, seen=folder.read("access.toml"))
