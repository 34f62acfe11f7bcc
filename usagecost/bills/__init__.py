"""Bills: what providers say that usage has cost, line by line, beside what requests say.

It reads statements of many vendors into one table, compares them with the requests and says what explains the difference, and gives
months out in the form in which finance takes them. It never changes a request or a price.
"""

from usagecost.bills.coverage import current_lines
from usagecost.bills.focus_columns import VERSIONS
from usagecost.bills.focus_files import FOCUS_FORMS, FocusForm, write_focus
from usagecost.bills.reading import BillProblem
from usagecost.bills.statements import Loaded, Statement, load_files, statement_files, statements
