"""A client's own view of what Saimi holds about them, and their way of asking for a call.

Clients are no members: `/own` has a login, sessions and a cookie of its own (0036_own_view.sql),
and the staff's session is worth nothing there, nor the other way round.
"""

from web.own import cases, export, giving, login, view, written

_PARTS = (login, view, cases, giving, export, written)
ROUTES = [route for part in _PARTS for route in part.ROUTES]
