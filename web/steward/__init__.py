"""The part of the county's desk where things are decided, each change on record.

clients, pauses     a client's plan: own limits, oxygen, conditions, limits of care; pauses
devices             whose a device is, and what waits for an owner
members             users and their rights
retention           how long a client's data is kept, holds, and what is erased
rules               changes of the county's rules, proposed with their backtest and decided on
asking              other numbers of a rule, to be judged
routing, teams      whom to call, how soon and by what
plan, filling,      the plan, a form as a plan, in what two plans differ
differences
"""

from web.steward import asking, clients, devices, members, pauses, retention, routing, rules, teams

_PARTS = (clients, pauses, devices, members, retention, asking, rules, routing, teams)
ROUTES = [route for part in _PARTS for route in part.ROUTES]
