"""The part of the county's desk where things are decided, each change on record.

clients, pauses     a client's plan: own limits, oxygen, conditions, limits of care; pauses
devices             whose a device is, and what waits for an owner
members             users and their rights
plan, filling,      the plan, a form as a plan, in what two plans differ
differences
"""

from web.steward import clients, devices, members, pauses

ROUTES = [*clients.ROUTES, *pauses.ROUTES, *devices.ROUTES, *members.ROUTES]
