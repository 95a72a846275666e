"""Every head learns a batch of a drive log by heart: the same pictures, other sentences, other plans."""

from dataclasses import replace
from typing import Any

import pytest
import torch

pytest.importorskip("pyarrow", reason="the extra 'data' is not installed")

from drivevla.datasets.drivelog.fixture import write_fixture
from drivevla.models.config import FusionConfig, ModelConfig
from drivevla.models.driving import DrivingModel
from drivevla.models.parts import PartConfig
from drivevla.registry import names
from drivevla.testing import check_generative_head, check_head
from drivevla.training.batches import TrainingBatch
from drivevla.training.config import DataConfig, DrawConfig
from drivevla.training.imitation import Imitation
from drivevla.training.material import read_material
from drivevla.training.order import Pick
from drivevla.training.sources import StreamedBatches
from drivevla.types import FitsData, GenerativeHead

STEPS, DT_S = 8, 0.5
FUSIONS = ("cross", "film")
UPDATES = {"flow": 600, "cvae": 350, "diffusion": 400, "affordance": 80}
"""250 updates for the others: what learns from noise needs many draws of it, and a map few."""
NEAR_M = {"affordance": 1.5, "flow": 1.0, "diffusion": 0.8}
"""Mean displacement that may be left of 32 m: cells of a map are 2 m; what learns from noise is never still."""

NEARBY: dict[str, Any] = {"ahead_m": (-16.0, 32.0), "aside_m": (-16.0, 16.0)}
OPTIONS: dict[str, dict[str, Any]] = {
    "affordance": {"goal_s": 3.0, "channels": 12, "crop": 5, **NEARBY},
    "diffusion": {"anchors": 8},
    "vocabulary": {"size": 16},
}


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> TrainingBatch:
    """Two frames of a drive log; the first with all three things that could be asked for there."""
    root = tmp_path_factory.mktemp("logs") / "log"
    write_fixture(root, episodes=1, frames=24)
    samples = read_material([root], DataConfig()).train
    picks = [*(Pick(0, asked, 0.0) for asked in (0.9, 0.1, 0.6)), Pick(1, 0.1, 0.0)]
    (made,) = StreamedBatches(samples, steps=STEPS, dt_s=DT_S).stream([picks], DrawConfig(alternative_share=0.8))
    assert set(made.sensors.sentences) == {"Change to the left lane.", "Turn right.", "Drive into the river."}
    assert made.target.valid_BT.all()
    return made


def small_model(head: str, fusion: str) -> DrivingModel:
    """Maps need a grid; the other heads look through cameras, which is quicker."""
    maps = head == "affordance"
    return DrivingModel(
        ModelConfig(
            width=32,
            steps=STEPS,
            dt_s=DT_S,
            cameras=None
            if maps
            else PartConfig(name="convolutional", options={"channels": [8, 8, 16], "blocks": [1, 1, 1]}),
            lidar=PartConfig(name="raster", options={"cell_m": 0.5, **NEARBY}) if maps else None,
            readers=("characters",),
            fusion=FusionConfig(latents=4, layers=1, language=fusion),  # type: ignore[arg-type]
            head=PartConfig(name=head, options=OPTIONS.get(head, {})),
            head_hears=maps,
        )
    )


def total_of(model: DrivingModel, batch: TrainingBatch) -> torch.Tensor:
    return torch.stack(list(Imitation().loss(model, batch).values())).sum()


def learned_by_heart(model: DrivingModel, batch: TrainingBatch, *, updates: int) -> tuple[float, float]:
    """The loss before and after."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.0, fused=True)
    first = total = 0.0
    for update in range(updates):
        for group in optimiser.param_groups:
            group["lr"] = 3e-3 * (1 - update / updates)
        loss = total_of(model.train(), batch)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        first, total = first or loss.item(), loss.item()
    return first, total


def least_loss(model: DrivingModel, batch: TrainingBatch) -> float:
    """What cannot be learned away: soft targets of a scored set have an entropy."""
    if model.config.head.name != "vocabulary":
        return 0.0
    head: Any = model.head
    gap = head.trajectories_KT3[None, ..., :2] - batch.target.waypoints_BT3[:, None, :, :2]
    wanted = (-head.sharpness_per_m2 * gap.square().sum(dim=-1).mean(dim=-1)).softmax(dim=-1)
    return float(torch.special.entr(wanted).sum(dim=-1).mean())


def check_learned(head: str, fusion: str, batch: TrainingBatch) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = small_model(head, fusion)
    if isinstance(model.head, FitsData):
        plans = batch.target.waypoints_BT3[:2]  # and the same at other speeds
        paces = torch.linspace(0.3, 1.0, 8)[:, None, None, None] * torch.tensor([1.0, 1.0, 0.0])
        driven = (plans * (paces + torch.tensor([0.0, 0.0, 1.0]))).flatten(0, 1)
        model.head.fit(driven, torch.full((len(driven),), 8.0))
    first, last = learned_by_heart(model, batch, updates=UPDATES.get(head, 250))
    least = least_loss(model, batch)
    assert last - least < 0.2 * (first - least)
    model.eval()
    with torch.no_grad():
        understanding = model(batch.sensors)
        context: Any = understanding.context
        plans = model.head.decode(model.head.forward(context)).waypoints_BT3
        away_m = (plans - batch.target.waypoints_BT3)[..., :2].norm(dim=-1)
    assert float(away_m.mean()) < NEAR_M.get(head, 0.4)
    assert ((understanding.refusal_B > 0) == (batch.refused_B > 0.5)).all()
    known = batch.target.valid_BT.clone()
    known[0, -1] = False
    check_head(model.head, model(batch.sensors).context, replace(batch.target, valid_BT=known))
    if isinstance(model.head, GenerativeHead):
        check_generative_head(model.head, context, n=8)


@pytest.mark.parametrize("fusion", ["cross", pytest.param("film", marks=pytest.mark.slow)])
def test_a_batch_is_learned_by_heart(fusion: str, batch: TrainingBatch) -> None:
    check_learned("regression", fusion, batch)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("head", [name for name in names("heads") if name != "regression"])
def test_every_head_learns_a_batch_by_heart(head: str, fusion: str, batch: TrainingBatch) -> None:
    check_learned(head, fusion, batch)
