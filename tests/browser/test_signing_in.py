"""Signing in at an OpenID provider, and out again: who may see everything, a part, and nothing.

What every page sends to each role is asked in `tests.test_page_roles`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import follow, open_tab, serve, settle, wait_for
from tests.loopback import free_port
from tests.roles import OTHERS, make_lake

pytestmark = pytest.mark.browser
PEOPLE = ("ada", "lea", "nob")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the app with a sign-in at a provider where three people are known."""
    pytest.importorskip("authlib", reason="Authlib is not installed: pip install -r requirements.txt")
    pytest.importorskip("oidc_provider_mock", reason="There is no OpenID provider: pip install -r requirements-dev.txt")
    port, at, folder = free_port(), free_port(), tmp_path_factory.mktemp("guarded")
    people = [json.dumps({"sub": who, "email": f"{who}@example.com"}) for who in PEOPLE]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(at)]
    command += [word for one in people for word in ("--user-claims", one)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as provider:
        address = f"http://127.0.0.1:{at}"
        (folder / "secrets.toml").write_text(
            f'[auth]\nredirect_uri = "http://127.0.0.1:{port}/oauth2callback"\ncookie_secret = "a-long-secret-of-this-test"\n'
            f'client_id = "usage"\nclient_secret = "x"\nserver_metadata_url = "{address}/.well-known/openid-configuration"\n'
        )
        try:
            wait_for(address)
            settings = {"USAGECOST_LAKE": make_lake(folder / "lake"), "STREAMLIT_SECRETS_FILES": str(folder / "secrets.toml")}
            yield from serve(settings, port)
        finally:
            provider.terminate()


@pytest.mark.parametrize("who", PEOPLE)
def test_somebody_with_a_role_signs_in_sees_what_is_theirs_and_signs_out(guarded: str, page: Page, who: str):
    page.goto(f"{guarded}/Traces", wait_until="domcontentloaded")
    sign_in = page.get_by_role("button", name="Sign in")
    expect(sign_in).to_be_visible()
    assert OTHERS not in page.content()

    sign_in.click()
    page.get_by_role("button", name=who, exact=True).click()
    if who == "nob":
        expect(page.get_by_text("Nothing to see yet")).to_be_visible()
    else:
        expect(page.get_by_text(f"Signed in as {who}@example.com")).to_be_visible()
        follow(page, "Usage and cost")
        expect(page.get_by_text("Data through")).to_be_visible()
        open_tab(page, "Cost")
        assert (OTHERS in page.content()) is (who == "ada")
    if who == "ada":
        follow(page, "Access")
        give_a_role(page, "new@other.example")
    if who == "lea":
        page.goto(f"{guarded}/Access", wait_until="domcontentloaded")
        expect(page.get_by_text("This page is not for your role")).to_be_visible()
        assert OTHERS not in page.content()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="End session").click()

    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert OTHERS not in page.content()


def give_a_role(page: Page, to: str) -> None:
    """On the page Access: gives somebody a role, asks what they see, and looks at the log."""
    page.get_by_label("Who", exact=True).fill(to)
    page.get_by_role("button", name="Give role").click()
    expect(page.get_by_text(f"{to} is member")).to_be_visible()
    settle(page)  # what is typed while the page is still drawn is lost
    page.get_by_label("E-mail").fill(to)
    expect(page.get_by_text(f"Because {to} is member")).to_be_visible()
    page.get_by_role("tab", name="Audit log").click()
    expect(page.get_by_role("heading", name="Audit log")).to_be_visible()
