import json
from pathlib import Path
from typing import Any

import pytest

from drivevla.datasets.drivelm import WithQuestions, read_questions
from drivevla.datasets.nuscenes import NuScenesReader
from drivevla.errors import DataError
from drivevla.testing import check_reader

LORRY = "<c1,CAM_FRONT,80.5,40.0>"


def drivelm(token: str) -> dict[str, Any]:
    info = {"Category": "Vehicle", "Status": "Parked", "Visual_description": "Lorry.", "2d_bbox": [70, 30, 90, 50]}
    planning = [{"Q": f"Must one care for {LORRY}?", "A": f"No, {LORRY} is parked, as is <c2,CAM_BACK,1.0,2.0>."}]
    behavior = [{"Q": "Predict the behavior of the ego vehicle.", "A": "It goes straight."}]
    frame = {"key_object_infos": {LORRY: info}, "QA": {"planning": planning, "behavior": behavior}}
    return {"scene": {"scene_description": "", "key_frames": {token: frame}}}


def test_questions_come_with_the_keyframe_that_they_are_about(nuscenes_root: Path, tmp_path: Path) -> None:
    inner = NuScenesReader(nuscenes_root, cameras=())
    first, second = inner.scenes[0].tokens[:2]
    (tmp_path / "drivelm.json").write_text(json.dumps(drivelm(first)))
    reader = WithQuestions(inner, read_questions(tmp_path / "drivelm.json"))
    assert check_reader(reader, samples_per_scene=2) == 4
    questions = reader.sample(first).questions
    assert questions is not None
    assert [each.topic for each in questions] == ["planning", "behavior"]
    lorry, other = questions[0].mentions
    assert (lorry.name, lorry.camera, lorry.status, lorry.position_px.tolist()) == (
        "c1",
        "CAM_FRONT",
        "Parked",
        [80.5, 40.0],
    )
    assert lorry.box_px is not None
    assert (other.camera, other.category, other.box_px) == ("CAM_BACK", None, None)
    assert reader.sample(second).questions is None


@pytest.mark.parametrize("text", ["{", "[]", '{"scene": {}}', '{"scene": {"key_frames": {"k": {"QA": {"x": [{}]}}}}}'])
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "drivelm.json").write_text(text)
    with pytest.raises(DataError, match=r"drivelm\.json"):
        read_questions(tmp_path / "drivelm.json")


@pytest.mark.real_data
def test_the_real_sample_is_read_whole(shared_real: Path) -> None:
    path = shared_real / "drivelm_nuscenes" / "train_sample.json"
    questions = read_questions(path)
    frames = [frame for scene in json.loads(path.read_text()).values() for frame in scene["key_frames"].values()]
    assert len(questions) == 9
    assert sum(map(len, questions.values())) == sum(len(items) for frame in frames for items in frame["QA"].values())
    mentioned = [mention for asked in questions.values() for each in asked for mention in each.mentions]
    assert all(0 <= mention.position_px[0] <= 1600 and 0 <= mention.position_px[1] <= 900 for mention in mentioned)
    assert sum(mention.box_px is not None for mention in mentioned) > 0.5 * len(mentioned)
