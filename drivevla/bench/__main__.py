"""`python -m drivevla.bench`: every measurement, one line each, beside a calibration from the same run."""

import dataclasses
import sys

from drivevla.bench.loading import report as loading_report
from drivevla.bench.metrics import report as metrics_report
from drivevla.bench.model import report as model_report
from drivevla.bench.render import measure_rendering, report
from drivevla.bench.simulator import (
    VEHICLES,
    Rate,
    at_every_tick,
    available,
    bare_rig,
    cores,
    measure_memory_mb,
    measure_plain_rate,
    measure_rate,
    measure_startup_s,
)
from drivevla.bench.training import report as training_report
from drivevla.config.sensor_rig import load_rig

TOWNS = ("Town01", "Town02", "Town03", "Town04", "Town05", "Town06", "Town07")


def main() -> int:
    """Measure and print."""
    town = "Town03" if available(("Town03",)) else "Gen_mixed_1"
    say(f"{cores()} cores; best of five (and the median); client and server share the cores")
    say(report(measure_rendering(town)))
    say(metrics_report())
    say(loading_report())
    say(model_report())
    say(training_report())
    nano = load_rig("nano")
    nuscenes = load_rig("nuscenes")
    say(f"plain client, no vehicles      {words(measure_plain_rate(town, vehicles=0, ticks=1000))}")
    say(f"plain client, {VEHICLES} vehicles      {words(measure_plain_rate(town))}")
    say(f"session, ego and {VEHICLES - 1} vehicles   {words(measure_rate(town, bare_rig(), ticks=400))}")
    say(f"nano rig, captures at 5 Hz     {words(measure_rate(town, nano))}")
    say(f"nano rig, a capture each tick  {words(measure_rate(town, at_every_tick(nano), ticks=60))}")
    at_2_hz = dataclasses.replace(nuscenes, capture_hz=2.0, control_hz=20.0)
    say(f"nuScenes rig at 2 Hz           {words(measure_rate(town, at_2_hz, ticks=40))}")
    for name in available(TOWNS) or ["Gen_mixed_1"]:
        say(f"start-up to the first tick, {name}: {measure_startup_s(name):.1f} s")
    largest = "Town05" if available(("Town05",)) else town
    say(f"server's memory with {VEHICLES} vehicles and the nano rig, {largest}: {measure_memory_mb(largest):.0f} MB")
    return 0


def words(rate: Rate) -> str:
    """A rate in one line."""
    text = f"{rate.ticks_per_s:6.0f} ticks/s (median {rate.median_ticks_per_s:.0f}), {rate.realtime:.1f} x real time"
    return text + (f", {rate.captures_per_s:.1f} captures/s" if rate.captures_per_s else "")


def say(line: str) -> None:
    """Print at once: measurements take minutes, and a reader wants to see them come."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
