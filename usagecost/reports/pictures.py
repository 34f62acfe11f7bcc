"""Charts as pictures: SVG for a page, PNG for a mail, made by `vl-convert-python` in this process.

It has its own font (Liberation Sans), so a machine without any draws the same. It loads nothing: data travels with the chart, no
URL of data is allowed, and no chart has images. What is no character of XML would end the process, so texts are cleaned before.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from usagecost.charts import Drawing
from usagecost.vocabulary.formats import printable

INSTALL = "Reports need vl-convert-python: python -m pip install -r requirements-report.txt"
WIDE, NARROW = 680, 356
"""Pixels: on a sheet of paper or a desk, and on a phone."""
SHARP = 2
"""Pixels of a PNG for each of the page, as screens have them."""
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
QUIET, LINE = "#5B6472", "#E6EAF0"
_LABELS = {"labelColor": QUIET, "labelFontSize": 11, "titleColor": QUIET, "titleFontSize": 11, "titleFontWeight": "normal"}
LOOK = {
    "aria": False,
    "font": FONT,
    "background": "#FFFFFF",
    "view": {"stroke": None},
    "axis": {**_LABELS, "gridColor": LINE, "domainColor": "#C9CFD8", "tickColor": "#C9CFD8"},
    "legend": _LABELS,
}


def can_draw() -> bool:
    """Whether the library that makes pictures is installed."""
    return find_spec("vl_convert") is not None


def svg_of(drawing: Drawing, width: int) -> str:
    """Returns a chart as SVG, so many pixels wide."""
    import vl_convert

    return vl_convert.vegalite_to_svg(_still(drawing, width), config=LOOK, allowed_base_urls=[])


def png_of(drawing: Drawing, width: int) -> bytes:
    """Returns a chart as PNG, twice as many pixels wide."""
    import vl_convert

    return vl_convert.vegalite_to_png(_still(drawing, width), config=LOOK, scale=SHARP, allowed_base_urls=[])


def _still(drawing: Drawing, width: int) -> dict[str, Any]:
    """The specification with its rows, without what only a pointer or a screen reader finds."""
    rows = drawing.rows
    values = rows.select([name for name in rows.column_names if name != "tip"]).to_pylist()
    layers = [
        {
            **layer,
            "mark": {name: value for name, value in layer["mark"].items() if name not in ("tooltip", "description")},
            "encoding": {name: channel for name, channel in layer["encoding"].items() if name != "tooltip"},
        }
        for layer in drawing.spec["layer"]
    ]
    size = {"width": width, "autosize": {"type": "fit-x", "contains": "padding"}}
    return _cleaned({**drawing.spec, "layer": layers, "data": {"name": "rows"}, "datasets": {"rows": values}, **size})


def _cleaned(value: Any) -> Any:
    """The same with texts of printable characters alone."""
    if isinstance(value, dict):
        return {_cleaned(name): _cleaned(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(part) for part in value]
    return printable(value) if isinstance(value, str) else value
