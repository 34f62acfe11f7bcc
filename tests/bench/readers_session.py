"""A reader without a browser: speaks to the app over Streamlit's websocket, and clicks on what the app has drawn."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

MOST_SECONDS = 60
"""How long a reader waits for a page before it counts as an error."""

TABS, RANGE = "tabs", "Range"
"""What the group of tabs goes by, as it has no label, and the label of the ranges."""


class PageError(Exception):
    """The app drew an error, or none came to an end."""


@dataclass
class Drawn:
    """What one run of the page drew: its metrics in their order, what went wrong, and how many seconds it took."""

    metrics: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Session:
    """One reader's page, opened at an address such as ``range=Last+7+days``. To be opened, clicked on, and closed."""

    def __init__(self, port: int, **parameters: str) -> None:
        self._address = f"ws://127.0.0.1:{port}/_stcore/stream"
        self._parameters = parameters
        self._chosen: dict[str, str] = {}
        self._widgets: dict[str, tuple[str, str]] = {}
        self._socket: ClientConnection | None = None

    async def open(self) -> Drawn:
        """Connects and draws the page for the first time."""
        self._socket = await connect(self._address, subprotocols=["streamlit"], max_size=None, origin=None)
        return await self._run()

    async def click(self, label: str, option: str) -> Drawn:
        """Chooses a tab, or one of the ranges, and waits until the page has been drawn anew."""
        widget, parameter = self._widgets[label]
        if label == RANGE:  # another range is another widget
            self._parameters["range"] = option
            return await self._run((widget, option))
        self._chosen[widget] = option
        if parameter:
            self._parameters[parameter] = option
        return await self._run()

    async def close(self) -> None:
        """Leaves."""
        if self._socket:
            await self._socket.close()

    async def _run(self, pressed: tuple[str, str] | None = None) -> Drawn:
        ask = BackMsg()
        state = ask.rerun_script
        state.query_string = urlencode(self._parameters)
        state.context_info.timezone = "UTC"
        for widget, option in self._chosen.items():
            state.widget_states.widgets.add(id=widget, string_value=option)
        if pressed:
            state.widget_states.widgets.add(id=pressed[0]).string_array_value.data.append(pressed[1])
        start = time.perf_counter()
        await self._send(ask)
        drawn = Drawn()
        try:
            async with asyncio.timeout(MOST_SECONDS):
                while not self._took(await self._receive(), drawn):
                    pass
        except TimeoutError:
            raise PageError(f"The page did not come to an end in {MOST_SECONDS} s") from None
        drawn.seconds = time.perf_counter() - start
        return drawn

    async def _send(self, message: BackMsg) -> None:
        await self._socket.send(message.SerializeToString())  # type: ignore[union-attr]

    async def _receive(self) -> ForwardMsg:
        message = ForwardMsg()
        message.ParseFromString(await self._socket.recv(decode=False))  # type: ignore[union-attr]
        return message

    def _took(self, message: ForwardMsg, drawn: Drawn) -> bool:
        """Notes what a message draws; whether it was the last one of the run."""
        kind = message.WhichOneof("type")
        if kind == "script_finished":
            if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                drawn.problems.append("the script does not compile")
            return message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
        if kind == "delta" and message.delta.WhichOneof("type") == "add_block":
            tabs = message.delta.add_block.tab_container
            if tabs.id:
                self._widgets[TABS] = (tabs.id, tabs.query_param_key)
        elif kind == "delta":
            self._note(message.delta.new_element, drawn)
        return False

    def _note(self, element: Any, drawn: Drawn) -> None:
        kind = element.WhichOneof("type")
        if kind == "metric":
            drawn.metrics.append(element.metric.body)
        elif kind == "button_group":
            self._widgets[element.button_group.label] = (element.button_group.id, element.button_group.query_param_key)
        elif kind == "exception":
            drawn.problems.append(f"{element.exception.type}: {element.exception.message}")
        elif kind == "alert" and element.alert.format in (element.alert.ERROR, element.alert.WARNING):
            drawn.problems.append(element.alert.body)
