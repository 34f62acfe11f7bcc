"""Alerts: rules are checked against the lake, what breaks one is recorded in it once, and its channels are told at least once.

A round may be run by several processes and machines, and killed at any instant: who is about to tell a channel claims that in the
lake, so one alone does, and what nobody has told five minutes later is told by the next one. Nothing here draws. Channels are URLs
of Apprise in the environment; without that library alerts are recorded and logged all the same.
"""

from usagecost.alerts.channels import PREFIX, Letter, channel_problem, channels, send
from usagecost.alerts.ledger import Alert, Ledger, read_ledger
from usagecost.alerts.rounds import follow, run_round
from usagecost.alerts.rules import RULES
