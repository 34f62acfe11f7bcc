"""Traces: the single requests behind every number, and everything that is known of each."""

from usagecost import ui

view = ui.page("Traces", icon=":material/list:")
