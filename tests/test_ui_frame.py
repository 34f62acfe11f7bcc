"""What the frame sets for the whole process, for many readers' runs side by side."""

from __future__ import annotations

from threading import RLock

import pytest
import streamlit as st
from streamlit import config

from usagecost.ui.frame import _settle_process


class Counted:
    """A lock that counts how often it is taken."""

    def __init__(self) -> None:
        self.times, self._lock = 0, RLock()

    def __enter__(self) -> None:
        self.times += 1
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_no_message_of_a_run_waits_for_those_of_other_sessions(monkeypatch: pytest.MonkeyPatch):
    st.get_option("server.port")  # reads the settings, once
    lock = Counted()
    monkeypatch.setattr(config, "_config_lock", lock)
    st.get_option("server.port")
    assert lock.times == 1  # if Streamlit no longer takes it, nothing needs to be taken away

    _settle_process.clear()
    _settle_process()
    st.get_option("server.port")

    assert lock.times == 1
