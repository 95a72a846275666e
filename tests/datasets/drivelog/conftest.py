import shutil
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="the extra 'data' is not installed")

from drivevla.datasets.drivelog.fixture import small_rig, write_fixture
from drivevla.types import SensorRig


@pytest.fixture(scope="session")
def rig() -> SensorRig:
    return small_rig()


@pytest.fixture(scope="session")
def log_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("logs") / "log"
    write_fixture(root)
    return root


@pytest.fixture
def log_copy(log_root: Path, tmp_path: Path) -> Path:
    """One to break."""
    return Path(shutil.copytree(log_root, tmp_path / "log"))
