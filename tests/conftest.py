"""What every test shares: how hypothesis looks for counter-examples."""

from hypothesis import HealthCheck, settings

# Machines are shared and slow at times, which says nothing about the code: no deadlines. Examples follow from the test
# itself, so that a test that passes here passes everywhere, and a failure can be had again.
settings.register_profile(
    "drivevla", deadline=None, derandomize=True, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("drivevla")
