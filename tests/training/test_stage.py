"""The loop goes on exactly where it was killed, means the same on one process and two, and names what breaks it."""

import dataclasses
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch.distributed import FileStore  # type: ignore[attr-defined]
from torch.multiprocessing.spawn import spawn

from drivevla.errors import CheckpointError, ConfigError, RunError
from drivevla.models.config import FusionConfig, ModelConfig
from drivevla.models.driving import DrivingModel
from drivevla.models.parts import PartConfig
from drivevla.testing.toy_junction import DT_S, STEPS, junction_sample
from drivevla.training.batches import TrainingBatch, TrainingSample
from drivevla.training.config import DrawConfig, ObjectiveConfig, StageConfig, TrainingConfig
from drivevla.training.importance import Driven
from drivevla.training.optimising import learning_rate
from drivevla.training.order import Pick, SampleOrder
from drivevla.training.sources import AS_ASKED, BatchSource, StreamedBatches
from drivevla.training.stage import StepReport, build_objective, train_stage

OPTIONS: dict[str, Any] = {
    "width": 32,
    "steps": STEPS,
    "dt_s": DT_S,
    "cameras": None,
    "lidar": PartConfig(name="raster", options={"cell_m": 2.0}),
    "readers": ("characters",),
    "fusion": FusionConfig(latents=8, layers=2),
}


def small(head: str) -> ModelConfig:
    """A model that learns the junction in seconds."""
    return ModelConfig(**OPTIONS, head=PartConfig(name=head))


class Killed(Exception):
    """Stands for kill -9: nothing after it runs."""


def train(
    folder: Path,
    samples: Sequence[TrainingSample],
    *,
    steps: int = 8,
    killed_after: int | None = None,
    head: str = "flow",
    source: BatchSource | None = None,
    shard: bool = False,
    **changes: Any,
) -> tuple[DrivingModel, list[StepReport], dict[str, torch.Tensor]]:
    changes.setdefault("objectives", {"imitation": ObjectiveConfig(name="imitation")})
    stage = StageConfig(steps=steps, batch_size=4, warmup_steps=2, **changes)
    config = TrainingConfig(stages={"only": stage}, ema_decay=0.9, save_every=3)
    torch.manual_seed(5)
    model = DrivingModel(small(head))
    reports: list[StepReport] = []
    average: dict[str, torch.Tensor] = {}

    def told(report: StepReport) -> None:
        if report.step == killed_after:
            raise Killed
        reports.append(report)

    train_stage(
        model, config, stage, source or StreamedBatches(samples, steps=STEPS, dt_s=DT_S),
        states=folder, average=average, report=told, shard=shard,
    )  # fmt: skip
    return model, reports, average


def test_a_killed_run_goes_on_bit_for_bit(samples: list[TrainingSample], tmp_path: Path) -> None:
    model, reports, average = train(tmp_path / "whole", samples)
    with pytest.raises(Killed):
        train(tmp_path / "killed", samples, killed_after=5)  # two steps after the state of step 3
    again, later, again_average = train(tmp_path / "killed", samples)
    assert [report.step for report in later] == [3, 4, 5, 6, 7]
    assert later == reports[3:]
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in model.state_dict().items())
    assert all(torch.equal(value, again_average[name]) for name, value in average.items())


def test_one_state_is_kept_and_a_half_written_one_is_not_taken(samples: list[TrainingSample], tmp_path: Path) -> None:
    train(tmp_path, samples)
    assert [path.name for path in tmp_path.iterdir()] == ["step_00000008"]
    (tmp_path / "step_00000099.part").mkdir()
    _, reports, _ = train(tmp_path, samples)
    assert reports == []


def test_a_damaged_state_is_named(samples: list[TrainingSample], tmp_path: Path) -> None:
    train(tmp_path, samples)
    (tmp_path / "step_00000008" / "state.safetensors").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="cannot be read"):
        train(tmp_path, samples)


def assert_same_steps(one: Sequence[StepReport], other: Sequence[StepReport]) -> None:
    """Losses and gradients agree to rounding; the order of a sum is another."""
    assert len(one) == len(other)
    for left, right in zip(one, other, strict=True):
        assert left.loss == pytest.approx(right.loss, rel=1e-4)
        assert left.gradient_norm == pytest.approx(right.gradient_norm, rel=1e-3)
        assert left.terms == pytest.approx(right.terms, rel=1e-3, abs=1e-5)


def test_accumulated_parts_are_the_same_step_as_one_whole_batch(samples: list[TrainingSample], tmp_path: Path) -> None:
    _, whole, _ = train(tmp_path / "a", samples, steps=3, head="regression")
    _, parts, _ = train(tmp_path / "b", samples, steps=3, head="regression", accumulate=2)
    assert_same_steps(whole, parts)


class ProcessArguments(NamedTuple):
    folder: str
    world: int
    shard: bool
    killed_after: int | None


def approaches() -> list[TrainingSample]:
    return [junction_sample("left", "go left", speed_mps=4.0 + i % 4, seed=i) for i in range(24)]


def one_process(rank: int, arguments: ProcessArguments) -> None:
    torch.set_num_threads(1)
    folder, killed_after = Path(arguments.folder), arguments.killed_after
    store = FileStore(str(folder / f"store_{killed_after}"), arguments.world)
    torch.distributed.init_process_group("gloo", store=store, rank=rank, world_size=arguments.world)
    with suppress(Killed):
        model, reports, average = train(
            folder / "states", approaches(), steps=5, killed_after=killed_after, head="regression",
            shard=arguments.shard, accumulate=2,
        )  # fmt: skip
        if rank == 0:
            (folder / "reports.json").write_text(json.dumps([dataclasses.asdict(report) for report in reports]))
            torch.save({"model": model.state_dict(), "average": average}, folder / "weights.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("shard", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["whole", "sharded"])
def test_two_processes_learn_what_one_does_and_go_on_after_they_were_killed(shard: bool, tmp_path: Path) -> None:
    model, alone, average = train(tmp_path / "alone", approaches(), steps=5, head="regression")
    for killed_after in (3, None):
        spawn(one_process, args=(ProcessArguments(str(tmp_path), 2, shard, killed_after),), nprocs=2)
    later = [StepReport(**plain) for plain in json.loads((tmp_path / "reports.json").read_text())]
    assert [report.step for report in later] == [3, 4]
    assert_same_steps(alone[3:], later)
    learned = torch.load(tmp_path / "weights.pt")
    for name, value in [*model.state_dict().items(), *average.items()]:
        for weights in (learned["model"], learned["average"]):
            assert weights[name].shape == value.shape
    away = torch.cat([(learned["model"][name] - value).abs().flatten() for name, value in model.state_dict().items()])
    assert float((away < 1e-5).float().mean()) > 0.98  # AdamW blows up the rounding of gradients that are nothing else
    assert any(not torch.equal(learned["model"][name], value) for name, value in learned["average"].items())


class Scaled:
    """Multiplies what is seen, and the way that was driven."""

    def __init__(self, samples: Sequence[TrainingSample], seen: float, *, target: float = 1.0) -> None:
        self.seen, self.target = seen, target
        self.inner = StreamedBatches(samples, steps=STEPS, dt_s=DT_S)

    def __len__(self) -> int:
        return len(self.inner)

    def drives(self) -> Driven:
        return self.inner.drives()

    def stream(self, picks: Iterable[Sequence[Pick]], draw: DrawConfig = AS_ASKED) -> Iterator[TrainingBatch]:
        for batch in self.inner.stream(picks, draw):
            way = batch.target.waypoints_BT3 * self.target
            yield replace(
                batch,
                sensors=replace(batch.sensors, ego_BE=batch.sensors.ego_BE * self.seen),
                target=replace(batch.target, waypoints_BT3=way),
            )


def test_a_loss_that_is_no_number_names_the_samples(samples: list[TrainingSample], tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"the loss is nan \(.*\) in the batch of samples .*-\d+.* \(step 0\)"):
        train(tmp_path, samples, source=Scaled(samples, math.nan))
    assert not list(tmp_path.iterdir())


def test_an_exploding_gradient_names_the_samples(samples: list[TrainingSample], tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"the gradient is .* long, .* in the batch of samples .*-\d+"):
        train(tmp_path, samples, source=Scaled(samples, 1.0, target=1e8))


def test_frozen_weights_do_not_move_and_a_misspelt_beginning_is_refused(
    samples: list[TrainingSample], tmp_path: Path
) -> None:
    torch.manual_seed(5)
    before = DrivingModel(small("regression")).state_dict()
    model, _, _ = train(tmp_path / "a", samples, steps=2, head="regression", frozen=("scene.",))
    moved = {name.split(".")[0] for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert "scene" not in moved
    assert {"fusion", "head"} <= moved
    with pytest.raises(ConfigError, match="frozen names 'sceen'"):
        train(tmp_path / "b", samples, frozen=("sceen",))


def test_weights_of_terms_change_what_is_learned(samples: list[TrainingSample], tmp_path: Path) -> None:
    silent = {"imitation": ObjectiveConfig(name="imitation", weights={"refusal": 0.0})}
    torch.manual_seed(5)
    before = DrivingModel(small("regression")).refusal.weight
    model, reports, _ = train(tmp_path, samples, steps=1, head="regression", objectives=silent, weight_decay=0.0)
    assert torch.equal(model.refusal.weight, before)
    assert reports[0].loss == pytest.approx(sum(v for k, v in reports[0].terms.items() if k != "refusal"), rel=1e-5)


def test_an_objective_says_which_option_it_does_not_take() -> None:
    with pytest.raises(ConfigError, match="instruction_dropuot"):
        build_objective(ObjectiveConfig(name="imitation", options={"instruction_dropuot": 0.1}))


def test_the_rate_rises_straight_and_falls_along_a_cosine() -> None:
    objectives = {"imitation": ObjectiveConfig(name="imitation")}
    stage = StageConfig(objectives=objectives, steps=110, warmup_steps=10, learning_rate=1.0, final_rate_share=0.1)
    assert learning_rate(stage, 0) == pytest.approx(0.1)
    assert learning_rate(stage, 9) == pytest.approx(1.0)
    assert learning_rate(stage, 60) == pytest.approx(0.55)
    assert learning_rate(stage, 110) == pytest.approx(0.1)


def test_an_epoch_shows_every_sample_once_and_processes_share_a_batch_without_overlap() -> None:
    order = SampleOrder(12, batch_size=4, seed=1)
    epoch = [pick.index for step in range(3) for pick in order.batch(step)]
    assert sorted(epoch) == list(range(12))
    assert epoch != [pick.index for step in range(3, 6) for pick in order.batch(step)]
    shares = [order.batch(1, rank=rank, world=2) for rank in range(2)]
    assert shares[0] + shares[1] == SampleOrder(12, batch_size=4, seed=1).batch(1)
    with pytest.raises(ConfigError, match="cannot be shared evenly by 3"):
        order.batch(0, world=3)
