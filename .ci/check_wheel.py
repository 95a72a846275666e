"""Builds the wheel and looks inside: only drivevla at the top, and something from every folder of the repository."""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KNOWN = (
    "drivevla/geometry/carla.py",
    "drivevla/perception/__init__.py",
    "drivevla/planner/__init__.py",
    "drivevla/sim/server/pose.py",
    "drivevla/datasets/__init__.py",
    "drivevla/configs/rigs/nano.yaml",
    "drivevla/language/phrases/zh.yaml",
    "drivevla/sim/server/catalogue/vehicles.json",
    "drivevla/report/templates/page.css",
    "drivevla/report/templates/page.html.j2",
    "drivevla/py.typed",
)


def main() -> int:
    """Exit code 0 when the wheel holds what it should and nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        build = [sys.executable, "-m", "build", "--wheel", "--outdir", folder, str(ROOT)]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = set(archive.namelist())
        size_mb = wheel.stat().st_size / 1e6
    top = {name.partition("/")[0] for name in names}
    strangers = sorted(name for name in top if name != "drivevla" and not name.endswith(".dist-info"))
    missing = [name for name in KNOWN if name not in names]
    if strangers or missing:
        sys.stderr.write(f"wheel: strangers at the top level {strangers}, missing {missing}\n")
        return 1
    sys.stdout.write(f"wheel: {len(names)} files, {size_mb:.1f} MB, top level {sorted(top)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
