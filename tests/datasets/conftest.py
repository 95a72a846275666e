import shutil
from pathlib import Path

import pytest

from drivevla.datasets.nuscenes.fixture import write_nuscenes_fixture

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "real"


@pytest.fixture(scope="session")
def nuscenes_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("nuscenes")
    write_nuscenes_fixture(root)
    return root


@pytest.fixture
def nuscenes_copy(nuscenes_root: Path, tmp_path: Path) -> Path:
    """One to break."""
    return Path(shutil.copytree(nuscenes_root, tmp_path / "nuscenes"))


@pytest.fixture(scope="session")
def shared_real() -> Path:
    if not SHARED.is_dir():
        pytest.skip(f"no real data at {SHARED}")
    return SHARED
