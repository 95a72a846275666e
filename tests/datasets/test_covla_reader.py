import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from drivevla.cli import main
from drivevla.datasets.covla import CoVLAReader, inverse_frequency_weights
from drivevla.datasets.covla.fixture import write_covla_fixture
from drivevla.errors import ContractError, DataError, UnknownName
from drivevla.testing import check_reader
from drivevla.types import FaultKind, LightState

FRAMES = 66


@pytest.fixture
def mini(tmp_path: Path) -> Path:
    write_covla_fixture(tmp_path, mini=True, frames=FRAMES, pictures="png")
    return tmp_path


@pytest.mark.parametrize(("is_mini", "pictures"), [(True, "png"), (True, "tar"), (True, "mp4"), (False, "mp4")])
def test_both_layouts_and_every_form_of_pictures(
    tmp_path: Path, is_mini: bool, pictures: Literal["png", "tar", "mp4"]
) -> None:
    write_covla_fixture(tmp_path, mini=is_mini, frames=FRAMES, pictures=pictures)
    reader = CoVLAReader(tmp_path, frames=FRAMES)
    assert check_reader(reader, samples_per_scene=3, tolerance_m=0.05) == 6
    sample = reader.sample(reader.scenes[0].tokens[20])
    image = sample.observation.cameras["CAM_FRONT"].image
    assert image.shape == (120, 192, 3)
    assert (image[8, :, 0] > 230).sum() == pytest.approx(40, abs=2), "the bar of frame 20 is 40 pixels long"
    assert list(CoVLAReader.find_faults(tmp_path)) == []


def test_a_sample_holds_what_the_records_say(mini: Path) -> None:
    reader = CoVLAReader(mini, camera=False)
    first, last = (reader.sample(reader.scenes[0].tokens[frame]) for frame in (3, 40))
    assert first.observation.ego.speed_mps == 10.0
    assert first.observation.ego.yaw_rate_radps == pytest.approx(0.1, abs=2e-3)
    assert first.lead is not None
    assert first.lead[0].position_m.tolist() == [21.7, 0.5]
    assert (first.lead[0].speed_mps, last.lead) == (10.0, ())
    assert first.lights_in_image is not None
    assert (first.lights_in_image[0].state, last.lights_in_image) == (LightState.YELLOW, ())
    assert first.commentary is not None
    assert first.commentary.endswith("wide road.")
    assert first.labels is not None
    assert (first.labels["weather"], first.labels["has_pedestrian"]) == ("sunny", "false")
    assert first.truth.objects is None


def test_the_future_is_that_of_the_rear_axle_and_ends_with_the_clip(mini: Path) -> None:
    reader = CoVLAReader(mini, camera=False)
    whole, cut = (reader.sample(reader.scenes[0].tokens[frame]).truth.future for frame in (0, FRAMES - 10))
    assert whole is not None
    assert cut is not None
    assert whole.times_s[[0, -1]].tolist() == pytest.approx([0.05, 2.95])
    assert (int(whole.valid.sum()), int(cut.valid.sum())) == (59, 9)
    turned, radius = 0.1 * 2.95, 100.0
    assert whole.poses[-1, :2] == pytest.approx([radius * np.sin(turned), radius * (1 - np.cos(turned))], abs=0.05)


def test_what_was_not_downloaded_is_absent(mini: Path) -> None:
    for kind in ("captions", "front_car", "traffic_lights"):
        for path in (mini / kind).iterdir():
            path.unlink()
        (mini / kind).rmdir()
    sample = CoVLAReader(mini).sample("2022-07-14--14-32-55--10_first/0000")
    assert (sample.commentary, sample.labels, sample.lead, sample.lights_in_image) == (None, None, None, None)


def test_both_spellings_are_read(tmp_path: Path) -> None:
    write_covla_fixture(tmp_path, mini=False, frames=FRAMES)
    labels = CoVLAReader(tmp_path, frames=FRAMES, camera=False).sample("0a0fc7a5db365174/0001").labels
    assert labels is not None
    assert labels["has_pedestrian"] == "false"


def test_missing_things_are_errors(mini: Path) -> None:
    reader = CoVLAReader(mini)
    token = reader.scenes[0].tokens[0]
    (mini / "images" / reader.scenes[0].name / "0000.png").unlink()
    with pytest.raises(DataError, match=r"0000\.png is missing"):
        reader.sample(token)
    with pytest.raises(UnknownName):
        reader.sample("elsewhere/0000")
    with pytest.raises(DataError, match="neither index"):
        CoVLAReader(mini / "images")


def edit(field: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(record: dict[str, Any]) -> None:
        (record["ego_state"] if field in record["ego_state"] else record)[field] = value

    return change


def mirror(record: dict[str, Any]) -> None:
    record["trajectory"] = [[y, x, z] for x, y, z in record["trajectory"]]


def millimetres(record: dict[str, Any]) -> None:
    record["trajectory"] = [[x * 1000, y * 1000, z * 1000] for x, y, z in record["trajectory"]]


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (edit("vEgo", 360.0), FaultKind.CORRUPT, "no speed in m/s"),
        (edit("vEgo", 36.0), FaultKind.INCONSISTENT, "another unit"),
        (edit("timestamp", 1_657_776_775_100), FaultKind.DUPLICATE, "0 ms"),
        (edit("timestamp", 1_657_776_999_000), FaultKind.INCONSISTENT, "not 50"),
        (edit("trajectory_count", 12), FaultKind.INCONSISTENT, "trajectory_count is 12"),
        (edit("trajectory", [[0, 0, float("nan")]] * 60), FaultKind.CORRUPT, "finite"),
        (edit("positions_ecef", [1, 2]), FaultKind.CORRUPT, "positions_ecef"),
        (edit("extrinsic_matrix", [[1, 1, 0, 0]] * 3), FaultKind.CORRUPT, "orthonormal"),
        (mirror, FaultKind.INCONSISTENT, "aside"),
        (millimetres, FaultKind.INCONSISTENT, "another unit"),
    ],
)
def test_a_planted_fault_is_named(
    mini: Path, change: Callable[[dict[str, Any]], None], kind: FaultKind, words: str
) -> None:
    path = mini / "states" / "2022-07-14--14-32-55--10_first.jsonl"
    records = [json.loads(text) for text in re.split(r"(?<=\})(?=\{\"frame_id)", path.read_text())]
    assert len(records) == FRAMES
    change(records[3])
    path.write_text("".join(map(json.dumps, records)))
    found = [(fault.kind, fault.message) for fault in CoVLAReader.find_faults(mini) if fault.record == "record 3"]
    assert any(each is kind and words in message for each, message in found), found


def test_harmed_files_are_named_and_counted(mini: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = "2022-07-14--14-32-55--10_first", "2022-07-14--14-32-55--11_first"
    states = mini / "states" / f"{one}.jsonl"
    states.write_text(states.read_text()[:-40])
    (mini / "captions" / f"{other}.jsonl").unlink()
    (mini / "images" / one / "0001.png").write_bytes((mini / "images" / one / "0001.png").read_bytes()[:60])
    assert main(["data", "validate", str(mini)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "1 missing, 2 truncated"
    assert any("record 65, which begins at character" in line for line in lines)


def test_rare_driving_is_drawn_as_often_as_common_driving() -> None:
    kinds = ["", "", "", "left"]
    weights = inverse_frequency_weights([1.0, 2.0, 3.0, 100.0], [0.1] * 4, kinds)
    assert weights == pytest.approx([1 / 6, 1 / 6, 1 / 6, 1 / 2])
    drawn = np.random.default_rng(0).choice(4, size=4000, p=weights)
    assert Counter(drawn.tolist())[3] == pytest.approx(2000, rel=0.1)
    with pytest.raises(ContractError, match="one steering angle"):
        inverse_frequency_weights([1.0], [0.1, 0.2], kinds)
