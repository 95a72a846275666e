"""A whole open-loop evaluation over a small recording, with policies whose numbers can be worked out by hand."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivevla import registry
from drivevla.cli import main
from drivevla.errors import ConfigError, DataError, RunError
from drivevla.evaluation.offline import OpenLoopConfig, compare_results, evaluate_open_loop, read_result
from drivevla.evaluation.offline.result import read_columns
from drivevla.types import (
    Alternative,
    CameraFrame,
    EgoState,
    Future,
    Observation,
    PastPoses,
    Plan,
    Provenance,
    Sample,
    Scene,
    Truth,
)

TIMES_S = np.arange(1, 17) * 0.25
SAMPLES = 5


class Recording:
    """Drives straight ahead, each at its own speed and acceleration; "turn left" would have led 1 m a second aside."""

    dataset = "recording"

    def __init__(self, root: Path, *, cameras: tuple[str, ...] = ("front",)) -> None:
        self._cameras = cameras
        self.scenes = tuple(
            Scene(
                name=f"drive {number}",
                tokens=tuple(f"{number}/{index}" for index in range(SAMPLES)),
                split="train" if number < 3 else "test",
            )
            for number in range(6)
        )

    def sample(self, token: str) -> Sample:
        number, index = map(int, token.split("/"))
        speed_mps, rate_mps2, now_s = 4.0 + number, 0.5 * (number % 3), 0.2 * index
        image = np.full((8, 8, 3), number, dtype=np.uint8)
        looking_ahead = np.array([[0, 0, 1, 1.5], [-1, 0, 0, 0], [0, -1, 0, 1.5], [0, 0, 0, 1]], dtype=np.float64)
        frame = CameraFrame(
            image=image,
            intrinsics_px=np.array([[8.0, 0, 4], [0, 8.0, 4], [0, 0, 1]]),
            ego_from_camera=looking_ahead,
            timestamp_s=now_s,
        )
        past_s = np.linspace(-2.0, 0.0, 9)
        straight = np.zeros((16, 3))
        straight[:, 0] = speed_mps * TIMES_S + 0.5 * rate_mps2 * TIMES_S**2
        aside = straight.copy()
        aside[:, 1] = TIMES_S
        valid = np.ones(16, dtype=np.bool_)
        past = np.zeros((9, 3))
        past[:, 0] = speed_mps * past_s + 0.5 * rate_mps2 * past_s**2
        left = Future(times_s=TIMES_S, poses=aside, valid=valid)
        return Sample(
            source=Provenance(dataset=self.dataset, scene=f"drive {number}", token=token),
            observation=Observation(
                timestamp_s=now_s,
                ego=EgoState(speed_mps=speed_mps, acceleration_mps2=rate_mps2),
                cameras=dict.fromkeys(self._cameras, frame),
                past=PastPoses(times_s=past_s, poses=past),
                instruction="turn right at the next junction",
            ),
            truth=Truth(
                timestamp_s=now_s,
                world_from_ego=np.eye(4),
                future=Future(times_s=TIMES_S, poses=straight, valid=valid),
            ),
            labels={"weather": "sunny" if number % 2 else "rain"},
            alternatives=(
                Alternative(sentence="turn left at the next junction", future=left),
                Alternative(sentence="drive into the river", future=left, refused=True),
            ),
        )


class Listener:
    """At the ego's speed straight ahead, half a metre a second to the left when told to; refuses rivers."""

    def reset(self, seed: int) -> None:
        pass

    def act(self, observation: Observation) -> Plan:
        said = observation.instruction or ""
        waypoints = np.zeros((16, 3))
        waypoints[:, 0] = observation.ego.speed_mps * TIMES_S
        waypoints[:, 1] = 0.5 * TIMES_S * ("left" in said)
        return Plan(waypoints=waypoints, refused="river" in said)


class Stumbler(Listener):
    """Has no answer where the car is faster than 8.5 m/s."""

    def act(self, observation: Observation) -> Plan:
        if observation.ego.speed_mps > 8.5:
            raise ValueError("too fast")
        return super().act(observation)


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    readers: Any = registry.BUILT_IN["readers"]
    policies: Any = registry.BUILT_IN["policies"]
    monkeypatch.setitem(readers, "recording", f"{__name__}:Recording")
    for name in ("Listener", "Stumbler"):
        monkeypatch.setitem(policies, name.lower(), f"{__name__}:{name}")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def config_of(data: Path, policy: str = "listener", **changes: Any) -> OpenLoopConfig:
    settings: dict[str, Any] = {"split": "test", "worst": 2, "protocols": ("displacement",), **changes}
    return OpenLoopConfig(policy=policy, data=str(data), dataset="recording", **settings)


@pytest.fixture(scope="module")
def listened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a whole run with ablations."""
    root = tmp_path_factory.mktemp("run")
    (root / "data").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        readers: Any = registry.BUILT_IN["readers"]
        policies: Any = registry.BUILT_IN["policies"]
        patch.setitem(readers, "recording", f"{__name__}:Recording")
        patch.setitem(policies, "listener", f"{__name__}:Listener")
        evaluate_open_loop(config_of(root / "data", ablations=True), root / "run")
        yield root / "run"


def test_numbers_baselines_and_denominators(listened: Path) -> None:
    result = read_result(listened)
    assert list(result["asked"])[:3] == ["listener", "constant_velocity", "ego_only"]
    protocol = result["protocols"]["displacement"]
    values = protocol["policies"]["listener"]["values"]
    # Three drives with 0, 0.5 and 1 m/s^2: after 3 s the car is 0, 2.25 and 4.5 m ahead of constant velocity.
    assert values["L2_at_3s_m"]["value"] == pytest.approx((0.0 + 2.25 + 4.5) / 3)
    assert 0.0 <= values["L2_at_3s_m"]["low"] < values["L2_at_3s_m"]["value"] < values["L2_at_3s_m"]["high"] <= 4.5
    assert protocol["policies"]["listener"]["counts"]["samples"] == 3 * SAMPLES
    same = protocol["policies"]["constant_velocity"]["judged_less_this"]["L2_at_3s_m"]
    assert (same["value"], same["low"], same["high"]) == (0.0, 0.0, 0.0)
    assert result["ego_only"]["scenes"] == ["drive 0", "drive 1", "drive 2"]
    assert protocol["headline"] == "L2_upto_3s_m"


def test_groups_hold_every_sample_once(listened: Path) -> None:
    groups = read_result(listened)["protocols"]["displacement"]["groups"]
    assert {name: each["samples"] for name, each in groups["weather"].items()} == {"sunny": 10, "rain": 5}
    assert set(groups["manoeuvre"]) == {"straight on", "speeding up"}
    speeding_up = groups["manoeuvre"]["speeding up"]["policies"]["listener"]["L2_at_3s_m"]
    assert speeding_up == {"value": pytest.approx(4.5), "samples": SAMPLES}
    assert groups["command"] == {}


def test_ablations_say_what_changed_and_where_there_was_something_to_change(listened: Path) -> None:
    changes = read_result(listened)["changes"]
    assert changes["no_language"]["mean_change_m"] == 0.0  # "right" and nothing are the same to it
    swapped = changes["swapped_sides"]  # half a metre a second to the left: 0.25 to 1.5 m over six points
    assert swapped["mean_change_m"] == pytest.approx(0.875)
    assert swapped["samples"] == swapped["of"] == 15
    assert changes["no_lidar"]["samples"] == 0
    assert changes["no_lidar"]["mean_change_m"] is None
    assert changes["no_ego_state"]["mean_change_m"] == pytest.approx(8.0 * 1.75)  # 7, 8 and 9 m/s; 1.75 s on average


def test_other_instructions_have_an_effect_size_and_refusals(listened: Path) -> None:
    found = read_result(listened)["alternatives"]
    assert found["alternatives"] == 2 * 15
    # Told to go left it makes half of the right change; told to drive into the river, none.
    assert found["kinds"]["turn"]["effect_size"] == pytest.approx(0.5)
    assert found["kinds"]["in free words"]["effect_size"] == pytest.approx(0.0)
    assert found["values"]["refused_rightly"]["value"] == 1.0
    assert found["values"]["refused_wrongly"]["value"] == 0.0


def test_worst_cases_are_drawn_worst_first(listened: Path) -> None:
    worst = read_result(listened)["worst"]
    assert worst[0]["drive"] == "drive 5"
    assert all((listened / "artefacts" / case["picture"]).stat().st_size > 500 for case in worst)


def test_a_run_goes_on_where_it_was_killed(data: Path, tmp_path: Path) -> None:
    config, folder = config_of(data), tmp_path / "run"
    whole = evaluate_open_loop(config, folder)
    with pytest.raises(RunError):
        evaluate_open_loop(config, folder)
    answers = folder / "artefacts" / "answers" / "together"
    shutil.rmtree(answers / "00001")
    (answers / "00001.part").mkdir()  # what a kill leaves
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"finished"', '"interrupted"'))
    told: list[Any] = []
    again = evaluate_open_loop(config, folder, existing="resume", progress=told.append)
    timeless = [{key: value for key, value in each.items() if key != "asked"} for each in (whole, again)]
    assert timeless[0] == timeless[1]
    assert told[-1].done == told[-1].planned == 2 * 15  # every sample once, and once more for its alternatives


def test_a_policy_that_fails_is_counted_and_its_score_called_incomplete(data: Path, tmp_path: Path) -> None:
    result = evaluate_open_loop(config_of(data, "stumbler"), tmp_path / "run")
    assert result["asked"]["stumbler"]["failures"] == SAMPLES
    assert "too fast" in result["asked"]["stumbler"]["first_failures"][0][1]
    policy = result["protocols"]["displacement"]["policies"]["stumbler"]
    assert not policy["complete"]
    assert (policy["counts"]["samples"], policy["counts"]["without_plan"]) == (10, SAMPLES)
    columns = read_columns(tmp_path / "run")
    assert np.isnan(columns["displacement/stumbler/L2_at_3s_m"]).sum() == SAMPLES
    assert np.isfinite(columns["displacement/constant_velocity/L2_at_3s_m"]).all()


def test_two_runs_are_compared_only_where_they_are_of_the_same(data: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    evaluate_open_loop(config_of(data), one)
    evaluate_open_loop(config_of(data, "stand_still", worst=0), other)
    found = {each.name: each for each in compare_results(one, other)}
    at_end = found["L2_at_3s_m"]  # standing still it is 3 x 8 m further behind, whatever the acceleration
    assert at_end.less is not None
    assert at_end.less.value == pytest.approx(-24.0)
    evaluate_open_loop(config_of(data, every=2, worst=0), tmp_path / "fewer")
    with pytest.raises(DataError, match="other samples"):
        compare_results(one, tmp_path / "fewer")
    path = other / "artefacts" / "open_loop.json"
    content = json.loads(path.read_text())
    content["protocols"]["displacement"]["definition"]["version"] = "0"
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"version 1 in .* and 0 in"):
        compare_results(one, other)


def test_what_is_judged_is_not_learnt_from(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="drive 3"):
        evaluate_open_loop(config_of(data, train_scenes=("drive 3",)), tmp_path / "run")


def test_a_protocol_that_does_not_fit_the_data_is_named(data: Path, tmp_path: Path) -> None:
    result = evaluate_open_loop(config_of(data, protocols=("displacement", "covla"), worst=0), tmp_path / "a")
    assert "device_xy_m" in result["not_scored"]["covla"]
    with pytest.raises(DataError, match="keyframes"):
        evaluate_open_loop(config_of(data, protocols=("nuscenes-uniad",)), tmp_path / "b")


def test_the_verb_evaluates_reports_and_compares(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    words = ["--policy", "listener", "--data", str(data), "--dataset", "recording", "--scenes", "drive 3", "drive 4"]
    assert main(["evaluate", "open-loop", *words, "--protocol", "displacement", "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert "listener on recording: 10 samples of 2 drives" in text
    assert "effect_size" in text
    assert main(["report", str(out)]) == 0
    page = (out / "report.html").read_text()
    assert "<h1>listener</h1>" in page
    assert "Only 2 drives: intervals" in page
    assert page.count('class="case"') >= 1
    capsys.readouterr()
    assert main(["evaluate", "open-loop", "--compare", str(out), str(out)]) == 0
    assert "A - B +0" in capsys.readouterr().out
    assert main(["evaluate", "open-loop", "--policy", "listener"]) == 2
