import pytest

from drivevla.bench.made_up_samples import scene_samples, told_samples
from drivevla.bench.metrics import SAMPLES_OF, SCENES, bench_samples, measure_metric, measure_scenes
from drivevla.bench.plain_forecasts import PLAIN_FORECASTS
from drivevla.bench.plain_metrics import PLAIN
from drivevla.evaluation.open_loop import load_metric


@pytest.mark.parametrize("name", sorted(SAMPLES_OF))
def test_plain_loops_give_the_same_numbers(name: str) -> None:
    rate = measure_metric(name, SAMPLES_OF[name](12, seed=3), plain_s=0.0)
    assert rate.worst_difference < 1e-9
    assert rate.samples_per_s > 0


def test_every_plain_definition_is_timed() -> None:
    assert set(SAMPLES_OF) == {*PLAIN, *PLAIN_FORECASTS}


def test_the_bench_has_collisions_to_count() -> None:
    scores = load_metric("nuscenes-uniad").score(bench_samples(128))
    assert 0.0 < scores.values["collision_3s"] < 1.0


def test_the_bench_has_instructions_followed_and_not() -> None:
    values = load_metric("dreaming").score(told_samples(240)).values
    for mode in ("slower", "faster", "target_speed", "lane_change"):
        assert 0.0 < values[f"success_rate_{mode}"] < 1.0, mode


@pytest.mark.parametrize("name", SCENES)
def test_scenes_of_the_bench_can_be_scored(name: str) -> None:
    assert measure_scenes(name, 4) > 0
    values = load_metric("navsim-v1.1").score(scene_samples(12)).values
    assert 0.0 < values["PDMS"] < 1.0
