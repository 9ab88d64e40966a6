"""Settings of every test."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# Opening a store or an engine takes tens of milliseconds, and the machine may be busy: time is no criterion here.
settings.register_profile("logpulse", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("logpulse")

pytest.register_assert_rewrite("tests.conformance.comparison")  # it says what differs by its assertions
