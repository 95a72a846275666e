import pytest

from drivevla.bench.metrics import bench_samples, measure_metric
from drivevla.bench.plain_metrics import PLAIN


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_plain_loops_give_the_same_numbers(name: str) -> None:
    rate = measure_metric(name, bench_samples(12, seed=3))
    assert rate.worst_difference < 1e-9
    assert rate.samples_per_s > 0


def test_the_bench_has_collisions_to_count() -> None:
    from drivevla.evaluation.open_loop import load_metric

    scores = load_metric("nuscenes-uniad").score(bench_samples(128))
    assert 0.0 < scores.values["collision_3s"] < 1.0
