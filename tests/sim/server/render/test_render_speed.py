import pytest

from drivevla.bench.render import measure_rendering, report


@pytest.mark.slow
def test_the_measurement_runs_and_says_what_it_measured() -> None:
    speed = measure_rendering("Gen_grid_1")
    assert speed.captures_per_s >= speed.median_captures_per_s > 0.0
    assert 0.0 < speed.lidar_ms < 1000.0 / speed.median_captures_per_s
    text = report(speed)
    assert "Gen_grid_1" in text
    assert f"{speed.captures_per_s:.1f} captures/s" in text
