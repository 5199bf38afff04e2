"""The dead-man's check: pages when Saimi itself is not there to page.

A process of its own that needs neither the engine nor the outbox, and where the database is away
not that either. In reading order:

    judging.py    what is wrong, and whether that is to be said now (pure)
    looking.py    heartbeats and the oldest note, from a database that may be away or hang
    telling.py    pages by Apprise's URLs, and the ping that says that we live ourselves
    service.py    look, judge, tell, every few seconds

Two things it cannot see: that its own machine is gone, and that nobody can be reached from it. For
these somebody outside waits for its ping.
"""
