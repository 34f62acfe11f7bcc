"""Reports: the Usage page, or a board, as one HTML file that needs nothing else, and as a mail, sent when it is due.

Numbers are asked and charts are drawn by the functions that pages call; nothing here counts or draws by itself. What is due is sent
once, also by several processes and after a stop: what was sent stands in the lake, as with alerts. Nothing here makes a request of
its own to the network: pictures are made in this process, and messages leave through the channels of alerts.
"""

from usagecost.reports.content import Report
from usagecost.reports.html import letter_of, page_html
from usagecost.reports.making import Order, ReportProblem, find_board, make_report
from usagecost.reports.pictures import INSTALL, can_draw
from usagecost.reports.rounds import Job, Schedule, follow, parse_schedule, run_round, send_report, title_of
