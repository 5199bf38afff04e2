"""The part of the county's desk where things are decided, each change on record.

clients, pauses     a client's plan: own limits, oxygen, conditions, limits of care; pauses
plan, filling,      the plan, a form as a plan, in what two plans differ
differences
"""

from web.steward import clients, pauses

ROUTES = [*clients.ROUTES, *pauses.ROUTES]
