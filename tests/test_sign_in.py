"""Signing in: with `[auth]` in the secrets, pages show nothing to who has not signed in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.copies import copied
from tests.lake_rows import commit
from tests.views import request
from usagecost.access import Grant, add_grant
from usagecost.lake import Lake
from usagecost.ui import reader

HOME = Path(__file__).parents[1]
PAGES = ["app.py", *(f"pages/{file.name}" for file in sorted((HOME / "pages").glob("*.py")))]
PROVIDER = {"client_id": "app", "client_secret": "x", "server_metadata_url": "https://id.example/.well-known/openid-configuration"}
SHARED = {"redirect_uri": "https://usage.example/oauth2callback", "cookie_secret": "a-long-secret-of-this-test"}

Open = Callable[..., AppTest]


@copied
def lake(lake: Lake) -> None:
    """A lake of one request, which all of example.com administer."""
    commit(lake, request(datetime.now(UTC), model="secret-model", user_id="ann"))
    add_grant(lake, Grant(to=("*@example.com",), role="admin"))


@pytest.fixture
def open_page(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Runs a page on that lake: ``open_page("app.py", auth={…}, user={…})``."""
    monkeypatch.setenv("USAGECOST_LAKE", lake.name)

    def open_it(file: str, auth: Any = None, user: dict[str, Any] | None = None) -> AppTest:
        page = AppTest.from_file(str(HOME / "app.py"), default_timeout=60)
        if file != "app.py":
            page.switch_page(file)
        if auth is not None:
            page.secrets["auth"] = auth
        page.user.update(user or {})
        return page.run()

    return open_it


def shown(page: AppTest) -> list[tuple[str, str]]:
    """The type and the words of everything that is drawn, in the page's body and in its sidebar."""
    return [
        (element.type, str(getattr(element, "label", "") or getattr(element, "value", "")))
        for place in (page.main, page.sidebar)
        for element in place
        if element.type not in ("main", "sidebar", "container", "vertical", "horizontal", "flex_container", "empty")
    ]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_and_asks_nothing_before_the_sign_in(open_page: Open, monkeypatch: pytest.MonkeyPatch, page: str):
    def refuse(*_: object) -> None:
        raise AssertionError("the lake was opened for a reader who has not signed in")

    monkeypatch.setattr(Lake, "__init__", refuse)

    drawn = open_page(page, SHARED | PROVIDER)

    assert shown(drawn) == [
        ("title", "Usage & Cost"),
        ("markdown", "Sign in to see the usage and cost of your organisation."),
        ("button", "Sign in"),
    ]
    assert drawn.button[0].proto.type == "primary"


@pytest.mark.parametrize("page", ["app.py", "pages/1_Traces.py"])
def test_who_has_signed_in_is_named_and_can_sign_out(open_page: Open, page: str):
    drawn = open_page(page, SHARED | PROVIDER, {"is_logged_in": True, "email": "ann@example.com", "sub": "1"})

    assert not drawn.exception
    assert any("ann" in caption.value and "Signed in as" in caption.value for caption in drawn.sidebar.caption)
    assert [button.label for button in drawn.sidebar.button if button.key == "sign_out"] == ["Sign out"]
    assert len(drawn.sidebar.date_input) > 0

    drawn.button(key="sign_out").click().run()

    assert [text for kind, text in shown(drawn) if kind == "button"] == ["Sign in"]


def test_each_named_provider_has_its_button(open_page: Open):
    drawn = open_page("app.py", SHARED | {"google": PROVIDER, "okta": PROVIDER})

    assert [button.label for button in drawn.button] == ["Sign in with google", "Sign in with okta"]


@pytest.mark.parametrize("auth", [{}, "true"], ids=["empty", "no section"])
def test_an_unusable_section_lets_nobody_in(open_page: Open, auth: object):
    drawn = open_page("app.py", auth)

    assert [kind for kind, _ in shown(drawn)] == ["title", "error"]


def test_secrets_that_cannot_be_read_let_nobody_in(open_page: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    broken = tmp_path / "secrets.toml"
    broken.write_text("[auth\nclient_id = 'app'")
    monkeypatch.setattr(st.secrets, "_secrets", None)
    before = st.get_option("secrets.files")
    st.config.set_option("secrets.files", [str(broken)])
    try:
        drawn = open_page("app.py")
    finally:
        st.config.set_option("secrets.files", before)

    assert [kind for kind, _ in shown(drawn)] == ["title", "error"]


def test_a_wrong_configuration_is_said_in_a_sentence(open_page: Open):
    drawn = open_page("app.py", PROVIDER)

    drawn.button[0].click().run()

    assert not drawn.exception
    assert "secrets" in drawn.error[0].value or "Authlib" in drawn.error[0].value


def test_an_app_without_sign_in_says_what_that_means(open_page: Open):
    drawn = open_page("pages/5_Sources.py")

    assert any(text.value.startswith(":material/lock_open: No sign-in is configured") for text in drawn.main.caption)
    assert not [button for button in drawn.sidebar.button if button.key == "sign_out"]


def test_secrets_that_are_gone_for_a_moment_let_nobody_in(open_page: Open):
    asked = open_page("app.py", SHARED | PROVIDER)

    assert shown(open_page("app.py")) == shown(asked)
    assert asked.button[0].label == "Sign in"


@pytest.mark.parametrize(
    ("address", "headers", "setting", "is_in"),
    [
        ("localhost", {"Host": "localhost:8501"}, "", True),
        ("127.0.0.1", {"Host": "[::1]:8501"}, "", True),
        ("", {"Host": "localhost:8501"}, "", True),
        ("", {"Host": "127.0.0.1:8501", "From": "::ffff:127.0.0.1"}, "", True),
        ("", {"Host": "localhost:8501", "From": "203.0.113.9"}, "", False),
        ("0.0.0.0", {"Host": "192.0.2.1:8501", "From": "192.0.2.7"}, "", False),  # noqa: S104
        ("0.0.0.0", {"Host": "usage.example"}, "1", True),  # noqa: S104
        ("localhost", {"Host": "localhost", "X-Forwarded-For": "203.0.113.9"}, "", False),
        ("localhost", {"Host": "usage.example"}, "", False),
        ("localhost", {"Host": "localhost:8501", "Origin": "https://usage.example"}, "", False),
        ("localhost", {"Host": "localhost:8501", "Origin": "http://localhost:8501"}, "", True),
        ("localhost", {"Host": "[::1"}, "", False),
    ],
)
def test_without_a_sign_in_only_this_machine_is_let_in(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, address: str, headers: dict[str, str], setting: str, is_in: bool
):
    monkeypatch.setenv("USAGECOST_OPEN", setting)
    monkeypatch.setattr(reader, "door", lambda: reader.Door(address, None))
    monkeypatch.setattr(type(st.context), "headers", headers)
    monkeypatch.setattr(type(st.context), "ip_address", headers.get("From"))  # of the socket; None is this machine

    drawn = open_page("app.py")

    assert bool(drawn.metric) is is_in
    assert bool(drawn.error) is not is_in
