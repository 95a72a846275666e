"""A drive through a town with traffic, filmed. CARLA's Traffic Manager drives; a trained policy does not ship yet."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivevla.config.sensor_rig import load_rig
from drivevla.errors import ConfigError, nearest, require
from drivevla.report import Film, drive_picture
from drivevla.runs import start_run
from drivevla.sim.session import Session, open_session
from drivevla.sim.session.traffic import background_traffic

__all__ = ["DemoConfig", "DemoResult", "run_demo"]

CAMERAS = ("left", "front", "right")
DRIVER = "CARLA's Traffic Manager"


@dataclass(frozen=True, kw_only=True)
class DemoConfig:
    """What the demonstration shows.

    Attributes:
        map: Which town; the default is one of the towns that are kept for testing.
        weather: One of CARLA's presets, e.g. "ClearNoon", "HardRainSunset", "ClearNight".
        seconds: Simulated length.
        vehicles: How many others are on the road.
        seed: Decides everything random.
    """

    map: str = "Gen_mixed_9"
    weather: str = "ClearNoon"
    seconds: float = 30.0
    vehicles: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ConfigError: A number is out of range.
        """
        if not 1.0 <= self.seconds <= 3600.0:
            raise ConfigError(f"seconds must lie between 1 and 3600, got {self.seconds:g}")
        if not 0 <= self.vehicles <= 200:
            raise ConfigError(f"vehicles must lie between 0 and 200, got {self.vehicles}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """What the drive left.

    Attributes:
        film: The video.
        backend: Which simulator made it.
        driven_m: How far the car came.
        collisions: In how many ticks it touched something.
    """

    film: Path
    backend: str
    driven_m: float
    collisions: int


def run_demo(
    config: DemoConfig,
    folder: Path,
    *,
    host: str | None = None,
    port: int = 2000,
    progress: Callable[[float], None] | None = None,
) -> DemoResult:
    """Drive, film, and leave a run folder that explains itself.

    Args:
        config: What to show.
        folder: Where to write; an earlier demonstration there is replaced.
        host: A running CARLA server; None starts the embedded one.
        port: Its port.
        progress: Told the share that is done.

    Raises:
        UserError: The map or weather is not known, or an extra is missing.
        SimulatorError: The simulator failed.
    """
    rig, weather = load_rig("nano"), _weather(config.weather)
    with (
        open_session(rig, map_name=config.map, host=host, port=port, seed=config.seed) as session,
        start_run(
            folder,
            kind="demo",
            config=config,
            existing="overwrite",
            seeds={"demo": config.seed},
            backend=session.backend,
        ) as run,
    ):
        session.world.set_weather(weather)
        film = run.artefacts / "drive.mp4"
        with (
            background_traffic(session, vehicles=config.vehicles, seed=config.seed) as manager,
            Film(film, rate_hz=round(rig.capture_hz)) as reel,
        ):
            session.ego.set_autopilot(True, manager.get_port())
            driven_m, collisions = _drive(session, config, reel, run.metrics.log, progress)
    return DemoResult(film=film, backend=session.backend, driven_m=driven_m, collisions=collisions)


def _drive(
    session: Session,
    config: DemoConfig,
    reel: Film,
    log: Callable[[int, dict[str, Any]], None],
    progress: Callable[[float], None] | None,
) -> tuple[float, int]:
    driven_m = 0.0
    ticks = round(config.seconds * session.rig.control_hz)
    for tick in range(ticks):
        snapshot = session.tick()
        speed_mps = session.ego_filter.state.speed_mps
        driven_m += abs(speed_mps) * session.tick_s
        if snapshot.captured:
            lines = (
                f"{session.map.name.rpartition('/')[2]}, {config.weather}, {session.backend}; driven by {DRIVER}",
                f"{snapshot.time_s:5.1f} s   {abs(speed_mps) * 3.6:3.0f} km/h   {driven_m:4.0f} m",
            )
            reel.add(drive_picture(session.observation(snapshot), order=CAMERAS, lines=lines))
            log(tick, {"time_s": snapshot.time_s, "speed_mps": speed_mps, "driven_m": driven_m})
        if progress is not None:
            progress((tick + 1) / ticks)
    return driven_m, len(session.collisions)


def _weather(name: str) -> Any:
    presets = require("carla", "sim").WeatherParameters
    known = [each for each in dir(presets) if each[0].isupper()]
    if name not in known:
        match = nearest(name, known)
        hint = f"; did you mean {match!r}?" if match else ""
        raise ConfigError(f"no weather {name!r}{hint} (known: {', '.join(known)})")
    return getattr(presets, name)
