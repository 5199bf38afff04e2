"""Homes that do not exist: people, illness, sensors and gateways that store and forward.

In reading order: `people` and `illness` (vital signs), `day` (a day in a home), `county` (who lives
where), `scenario` (what is to happen), `simulation` (makes it happen), `outbox`, `window`, `link`
and `fleet` (the gateways' way to the broker), `ledger` (the truth to compare with), and for
recorded data `tihm` and `replay`.
"""
