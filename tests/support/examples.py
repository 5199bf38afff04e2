"""Hypothesis: how many examples, and that slowness is no error.

On our own machines every run has new examples, so that they find new mistakes; in CI they are the
same each time (Hypothesis' own profile `ci`), so that a change fails for what it changes.
`--hypothesis-profile=thorough` has fifty times as many where a test names no number of its own.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Beside other tests anything may take long.
_UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("thorough", _UNHURRIED, max_examples=5_000)
if settings.get_current_profile_name() == "default":
    settings.register_profile("default", _UNHURRIED)
