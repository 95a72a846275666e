"""What a model is asked beside its plan."""

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from drivevla.config.sensor_rig import load_rig
from drivevla.errors import ConfigError, ContractError
from drivevla.geometry import matrix_from_yaw, rigid
from drivevla.models.auxiliary.boxes import match_boxes
from drivevla.models.auxiliary.dense import token_depths
from drivevla.models.auxiliary.heads import AuxiliaryInput, auxiliary_terms
from drivevla.models.auxiliary.targets import AuxiliaryTarget, auxiliary_target
from drivevla.models.config import FusionConfig, ModelConfig
from drivevla.models.driving import DrivingModel
from drivevla.models.parts import PartConfig
from drivevla.perception.objects import BOX_SCALE, ObjectQueries
from drivevla.testing import sample_observation
from drivevla.training.batches import TrainingBatch, TrainingSample, collate_samples
from drivevla.training.imitation import Imitation
from drivevla.types import (
    CameraBatch,
    Future,
    LaneTruth,
    LidarBatch,
    LightState,
    LightTruth,
    ObjectTruth,
    SensorRig,
    Truth,
)

HEADS = ("light", "lamps", "lead", "semantic_grid", "ground_grid", "junction_ways", "boxes", "depth")
TERMS = {
    "light_state", "light_distance", "lead_present", "lead_gap", "lead_speed", "semantic_grid_lane",
    "semantic_grid_vehicle", "semantic_grid_walker", "boxes_class", "boxes_place", "depth_error",
    "lamps_shown", "lamps_nothing", "ground_grid_lane", "ground_grid_vehicle", "ground_grid_walker",
    "junction_ways_way_left", "junction_ways_way_straight", "junction_ways_way_right",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)


def small_model(*heads: str, **options: Any) -> DrivingModel:
    config = ModelConfig(
        width=32,
        steps=4,
        dt_s=0.5,
        readers=("characters",),
        fusion=FusionConfig(latents=8, layers=1),
        objects=PartConfig(name="objects", options={"count": 6, "layers": 1}),
        ground=PartConfig(name="ground", options={"cell_m": 0.5}),
        auxiliary={name: PartConfig(name=name) for name in heads},
    )
    return DrivingModel(dataclasses.replace(config, **options))


def truth(seed: int) -> Truth:
    """A car ahead, a lane, a light and somebody on foot, each sample's own."""
    lane = LaneTruth(lane_id="1", centerline_m=np.array([[-20.0, seed], [50.0, seed]]), width_m=4.0)
    car = ObjectTruth(
        track_id="1",
        category="vehicle.car",
        ego_from_object=rigid(matrix_from_yaw(0.0), [12.0 + 6 * seed, 0.0, 0.7]),
        size_m=np.array([4.0, 2.0, 1.5]),
        velocity_mps=np.array([2.0 * seed, 0.0]),
    )
    walker = dataclasses.replace(
        car, track_id="2", category="walker", ego_from_object=rigid(np.eye(3), [8.0, 5.0 + seed, 0.9])
    )
    light = LightTruth(
        light_id="1",
        state=(LightState.RED, LightState.GREEN)[seed % 2],
        position_m=np.zeros(3),
        affects_ego=True,
        stop_distance_m=10.0 + 8 * seed,
        heads_m=np.array([[16.0, 2.0 - 2.0 * seed, 3.0]]),
    )
    return Truth(
        timestamp_s=0.0,
        world_from_ego=np.eye(4),
        objects=(car, walker),
        lights=(light,),
        lanes=(lane,),
        route_m=np.column_stack([np.arange(0.0, 80.0, 2.0), np.zeros(40)]),
    )


def tiny_rig() -> SensorRig:
    """One small camera, and a LiDAR of four beams."""
    nano = load_rig("nano")
    assert nano.lidar is not None
    return dataclasses.replace(
        nano,
        cameras={"front": dataclasses.replace(nano.cameras["front"], width_px=64, height_px=32)},
        lidar=dataclasses.replace(nano.lidar, channels=4, azimuths=90),
    )


def batch_of(targets: list[AuxiliaryTarget | None]) -> TrainingBatch:
    rng = np.random.default_rng(0)
    times_s = np.arange(1, 5) * 0.5
    poses = np.column_stack([4.0 * times_s, np.zeros(4), np.zeros(4)])
    future = Future(times_s=times_s, poses=poses, valid=np.ones(4, np.bool_))
    samples = [
        TrainingSample(
            observation=sample_observation(tiny_rig(), rng=rng), future=future, auxiliary=target, name=str(index)
        )
        for index, target in enumerate(targets)
    ]
    return collate_samples(samples, steps=4, dt_s=0.5)


@pytest.fixture(scope="module")
def batch() -> TrainingBatch:
    return batch_of([auxiliary_target(truth(seed)) for seed in range(3)])


def auxiliary_loss(model: DrivingModel, batch: TrainingBatch) -> dict[str, Tensor]:
    terms = Imitation().loss(model, batch)
    return {name: value for name, value in terms.items() if name in TERMS}


def test_every_term_is_alive_and_reaches_the_encoders(batch: TrainingBatch) -> None:
    model = small_model(*HEADS)
    terms = auxiliary_loss(model, batch)
    assert set(terms) == TERMS
    for name, value in terms.items():
        assert value.item() > 0.0, name
        model.zero_grad()
        value.backward(retain_graph=True)
        encoder = model.scene.cameras if name.startswith(("depth", "lamps")) else model.scene.lidar
        encoder = model.scene.ground if name.startswith(("ground", "junction_ways")) else encoder
        assert encoder is not None
        assert any(weight.grad is not None and bool(weight.grad.any()) for weight in encoder.parameters()), name


def test_every_head_learns_one_batch_by_heart_from_what_it_reads(batch: TrainingBatch) -> None:
    model = small_model(*HEADS)
    with torch.no_grad():
        understanding = model(batch.sensors)
    pictures = {name: torch.randn_like(each) for name, each in understanding.scene.camera_features.items()}
    scene = dataclasses.replace(understanding.scene, bev_BDXY=torch.randn(3, 32, 32, 32), camera_features=pictures)
    # One product reads the ground's cells: what they hold is the encoder's to learn, and stands for it here.
    ground = nn.Parameter(torch.randn(3, 32, 36, 32))
    scene = dataclasses.replace(scene, ground_BCXY=ground)
    tokens = torch.randn(3, 8, 32)
    assert batch.auxiliary is not None
    queries = model.scene.objects
    optimiser = torch.optim.AdamW([*model.parameters(), ground], lr=5e-3)
    assert queries is not None
    first: dict[str, float] = {}
    for _ in range(240):
        seen = dataclasses.replace(scene, objects=queries(tokens, torch.ones(3, 8, dtype=torch.bool)))
        given = AuxiliaryInput(tokens_BND=tokens, scene=seen, sensors=batch.sensors)
        terms = auxiliary_terms(model.auxiliary, given, batch.auxiliary)
        first = first or {name: value.item() for name, value in terms.items()}
        optimiser.zero_grad()
        sum(terms.values(), torch.zeros(())).backward()
        optimiser.step()
    share = {name: value.item() / first[name] for name, value in terms.items()}
    # Returns of made-up sweeps are noise, and depth can only learn their middle.
    assert {name for name, left in share.items() if left > 0.2} <= {"depth_error"}, share
    assert share["depth_error"] < 1.0


def test_what_is_unknown_adds_nothing_to_any_gradient(batch: TrainingBatch) -> None:
    model = small_model(*HEADS)
    bare = Truth(timestamp_s=0.0, world_from_ego=np.eye(4))
    known, unknown = auxiliary_target(truth(0)), auxiliary_target(bare)
    terms = auxiliary_loss(model, batch_of([unknown, unknown]))
    for name, value in terms.items():
        assert value.requires_grad, name
        assert (value.item() == 0.0) != (name == "depth_error"), name  # depths come from the LiDAR, not from the truth
    model.zero_grad()
    sum((value for name, value in terms.items() if name != "depth_error"), torch.zeros(())).backward()
    assert all(weight.grad is None or not weight.grad.any() for weight in model.parameters())
    half = auxiliary_loss(model, batch_of([known, unknown]))["light_state"]
    alone = auxiliary_loss(model, batch_of([known, known]))
    assert half.item() > 0.0
    assert alone["light_state"].item() > 0.0


def test_every_sample_weighs_the_same_in_a_batch_and_in_its_parts() -> None:
    model = small_model(*HEADS).eval()
    targets = [auxiliary_target(truth(0)), None, auxiliary_target(truth(1)), auxiliary_target(truth(2))]
    whole = batch_of(list(targets))
    rng_rows = [slice(0, 2), slice(2, 4)]
    parts = [auxiliary_loss(model, _rows(whole, rows)) for rows in rng_rows]
    together = auxiliary_loss(model, whole)
    for name, value in together.items():
        mean = sum(part[name].item() for part in parts) / 2
        assert value.item() == pytest.approx(mean, rel=1e-4), name


def test_the_planner_s_own_tokens_learn_of_the_light(batch: TrainingBatch) -> None:
    model = small_model("light")
    auxiliary_loss(model, batch)["light_state"].backward()
    moved = {name for name, weight in model.named_parameters() if weight.grad is not None and weight.grad.any()}
    assert "fusion.latents_ND" in moved
    assert any(name.startswith("scene.cameras") for name in moved)


def test_a_model_without_what_a_head_needs_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"boxes \(boxes\) needs object queries"):
        small_model("boxes", objects=None)
    with pytest.raises(ConfigError, match="needs features on a grid"):
        small_model("semantic_grid", lidar=None)
    with pytest.raises(ConfigError, match="needs features of the ground"):
        small_model("ground_grid", ground=None)
    with pytest.raises(ConfigError, match="needs features of the ground"):
        small_model("junction_ways", ground=None)
    with pytest.raises(ConfigError, match="needs a camera encoder"):
        small_model("depth", cameras=None)


def test_a_batch_that_knows_nothing_is_refused() -> None:
    with pytest.raises(ContractError, match="light, lead"):
        Imitation().loss(small_model("light", "lead"), batch_of([None, None]))


def test_boxes_are_a_set(batch: TrainingBatch) -> None:
    model = small_model("boxes").eval()
    assert batch.auxiliary is not None
    turned = dataclasses.replace(
        batch.auxiliary,
        boxes_BM8=batch.auxiliary.boxes_BM8.flip(1),
        box_class_BM=batch.auxiliary.box_class_BM.flip(1),
    )
    first = auxiliary_loss(model, batch)
    second = auxiliary_loss(model, dataclasses.replace(batch, auxiliary=turned))
    assert {name: value.item() for name, value in first.items()} == pytest.approx(
        {name: value.item() for name, value in second.items()}
    )


def test_matching_is_the_cheapest_of_all_pairings() -> None:
    logits, boxes, true = torch.randn(5, 5), torch.randn(5, 8), torch.randn(3, 8)
    classes = torch.tensor([0, 2, 1])
    queries, matched = match_boxes(logits, boxes, true, classes)
    cost = -logits.softmax(dim=-1)[:, classes] + 5.0 * torch.cdist(boxes[:, :6], true[:, :6], p=1)
    cheapest = min(
        sum(cost[query, index].item() for index, query in enumerate(order))
        for order in itertools.permutations(range(5), 3)
    )
    assert cost[queries, matched].sum().item() == pytest.approx(cheapest, rel=1e-5)


def test_an_object_s_token_tells_its_box_and_the_planner_cannot_bend_it() -> None:
    queries = ObjectQueries(16, count=3, layers=1, attention_heads=2)
    found = queries(torch.randn(2, 7, 16), torch.ones(2, 7, dtype=torch.bool))
    assert found.tokens_BKD.shape == (2, 3, 16)
    assert found.boxes_BK8.shape == (2, 3, len(BOX_SCALE))
    found.tokens_BKD.sum().backward()
    last = queries.where[-1]
    assert isinstance(last, nn.Linear)
    assert last.weight.grad is None
    with torch.no_grad():
        last.bias.add_(1.0)
        moved = queries(torch.zeros(2, 7, 16), torch.ones(2, 7, dtype=torch.bool))
    assert not torch.allclose(moved.tokens_BKD[0], found.tokens_BKD[0])


def test_objects_join_the_scene_s_tokens(batch: TrainingBatch) -> None:
    with_objects, without = small_model(), small_model(objects=None)
    count = [model(batch.sensors).scene.tokens_BSD.shape[1] for model in (with_objects, without)]
    assert count[0] - count[1] == 6


def test_the_depth_of_a_patch_is_that_of_its_nearest_return() -> None:
    # A camera at the origin that looks along x: optical z is x, optical x is -y, optical y is -z.
    look = torch.tensor([[0.0, 0.0, 1.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    camera = CameraBatch(
        images_B3HW=torch.zeros(1, 3, 100, 200, dtype=torch.uint8),
        intrinsics_B33=torch.tensor([[[100.0, 0.0, 100.0], [0.0, 100.0, 50.0], [0.0, 0.0, 1.0]]]),
        ego_from_camera_B44=look[None],
        present_B=torch.tensor([True]),
    )
    points = [[20.0, 5.0, 2.0, 0.0], [10.0, 2.5, 1.0, 0.0], [10.0, -2.5, -1.0, 0.0], [-5.0, 0.0, 0.0, 0.0]]
    padding = [2.0, 0.5, 0.2, 0.0]
    lidar = LidarBatch(
        points_BP4=torch.tensor([[*points, padding]]), keep_BP=torch.tensor([[True, True, True, True, False]])
    )
    depths = token_depths(camera, lidar, 2, 2)
    # Left and up: two returns, 10 m counts. Right and down: one. What is behind, or padding, is nowhere.
    assert depths[0].tolist() == [[10.0, float("inf")], [float("inf"), 10.0]]


def _rows(batch: TrainingBatch, rows: slice) -> TrainingBatch:
    def cut(value: Any) -> Any:
        if isinstance(value, Tensor | tuple):
            return value[rows]
        if isinstance(value, dict) or hasattr(value, "items"):
            return {name: cut(item) for name, item in value.items()}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return type(value)(**{field.name: cut(getattr(value, field.name)) for field in dataclasses.fields(value)})
        return value

    cutted: TrainingBatch = cut(batch)
    return cutted
