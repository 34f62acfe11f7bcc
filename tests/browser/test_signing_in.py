"""Signing in at a provider of the tests' own, and out again, as a reader does it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import serve
from tests.identity_provider import CLIENT, provider
from tests.loopback import free_port

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def guarded(sample_lake: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the app with a sign-in."""
    pytest.importorskip("authlib", reason="Authlib is not installed: pip install -r requirements.txt")
    port = free_port()
    secrets = tmp_path_factory.mktemp("secrets") / "secrets.toml"
    with provider("ann@example.com") as address:
        secrets.write_text(
            f'[auth]\nredirect_uri = "http://127.0.0.1:{port}/oauth2callback"\ncookie_secret = "a-long-secret-of-this-test"\n'
            f'client_id = "{CLIENT}"\nclient_secret = "x"\nserver_metadata_url = "{address}/.well-known/openid-configuration"\n'
        )
        settings = {"USAGECOST_SAMPLE": str(Path(sample_lake).parent), "STREAMLIT_SECRETS_FILES": str(secrets)}
        yield from serve(settings, port)


def test_a_reader_signs_in_sees_the_numbers_and_signs_out(guarded: str, page: Page):
    page.goto(f"{guarded}/Traces", wait_until="domcontentloaded")
    sign_in = page.get_by_role("button", name="Sign in")
    expect(sign_in).to_be_visible()
    expect(page.get_by_test_id("stMetricValue")).to_have_count(0)

    sign_in.click()

    expect(page.get_by_test_id("stMetricValue").first).to_be_visible()
    expect(page.get_by_text("Signed in as ann@example.com")).to_be_visible()

    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(page.get_by_test_id("stMetricValue")).to_have_count(0)
