"""The tree is what the documents say: links, import names, one-way arrows, and an import that does nothing."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = ("types", "geometry", "errors", "config", "registry", "language")
# What each room may import of ours, beside itself; a room not named here may import everything.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(CONTRACTS, CONTRACTS),
    "perception": CONTRACTS,
    "planner": CONTRACTS,
    "datasets": CONTRACTS,
    "sim": (*CONTRACTS, "planner.control"),
}


@pytest.mark.parametrize("name", ["perception", "planner", "sim", "configs"])
def test_folder_is_linked_into_the_package(name: str) -> None:
    link = ROOT / "drivevla" / name
    assert link.is_symlink()
    assert link.resolve() == ROOT / name, f"drivevla/{name} must link to ../{name}"


def test_every_dataset_reader_is_linked() -> None:
    real = {path.name for path in (ROOT / "datasets").glob("*/") if path.name != "__pycache__"}
    linked = {path.name for path in (ROOT / "drivevla" / "datasets").iterdir() if path.is_symlink()}
    assert real == linked, f"add or remove links in drivevla/datasets: {sorted(real ^ linked)}"


def test_datasets_folder_does_not_shadow_hugging_face() -> None:
    assert not (ROOT / "datasets" / "__init__.py").exists()
    script = (
        "import importlib.util as u, json; s = u.find_spec('datasets');"
        "print(json.dumps(s is None or s.origin is None or 'site-packages' in s.origin))"
    )
    found = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(found.stdout), (
        "from the root, `import datasets` must find Hugging Face's package or nothing of ours"
    )


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = "import sys, drivevla, drivevla.errors; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "carla", "open3d", "numpy", "omegaconf", "transformers"} & set(loaded)


def test_the_contracts_load_without_torch_carla_or_open3d() -> None:
    script = f"import sys; {'; '.join(f'import drivevla.{name}' for name in CONTRACTS)}; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "carla", "open3d", "transformers"} & set(loaded)


def test_arrows_run_one_way() -> None:
    against = [
        f"{module} imports {target}"
        for module, target in edges()
        if (allowed := MAY_IMPORT.get(room(module))) is not None
        and room(target) not in {"", room(module)}
        and not any(target.removeprefix("drivevla.").startswith(name) for name in allowed)
    ]
    assert not against, "\n".join(against)


def test_there_are_no_circles() -> None:
    graph: dict[str, set[str]] = {}
    for module, target in edges(only_at_import=True):
        graph.setdefault(module, set()).add(target)
    assert not (circle := find_circle(graph)), " -> ".join(circle)


def test_the_circle_finder_finds_circles() -> None:
    assert find_circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"]
    assert find_circle({"a": {"b", "c"}, "b": {"c"}}) == []


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def source_files() -> Iterator[tuple[str, Path]]:
    for folder, _, files in os.walk(ROOT / "drivevla", followlinks=True):
        for file in files:
            if file.endswith(".py"):
                path = Path(folder) / file
                parts = path.relative_to(ROOT).with_suffix("").parts
                yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def edges(*, only_at_import: bool = False) -> Iterator[tuple[str, str]]:
    """Who imports whom within the package; imports inside functions count unless told otherwise."""
    files = dict(source_files())
    for module, path in files.items():
        tree = ast.parse(path.read_text())
        nodes = top_level(tree) if only_at_import else ast.walk(tree)
        for node in nodes:
            for target in targets(node, files):
                if target in files and target != module:
                    yield module, target


def top_level(tree: ast.Module) -> Iterator[ast.stmt]:
    """Statements that run at import; what stands under `if TYPE_CHECKING` does not."""
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node


def targets(node: ast.AST, files: dict[str, Path]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        for alias in node.names:
            nested = f"{node.module}.{alias.name}"
            yield nested if nested in files else node.module


def find_circle(graph: dict[str, set[str]]) -> list[str]:
    done: set[str] = set()

    def walk(node: str, way: list[str]) -> list[str]:
        if node in way:
            return [*way[way.index(node) :], node]
        if node in done:
            return []
        for neighbour in sorted(graph.get(node, ())):
            if circle := walk(neighbour, [*way, node]):
                return circle
        done.add(node)
        return []

    for start in sorted(graph):
        if circle := walk(start, []):
            return circle
    return []


def test_every_error_kind_is_listed_and_has_one_root() -> None:
    from drivevla import errors

    kinds = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert kinds <= set(errors.__all__)
    assert all(issubclass(getattr(errors, name), errors.DriveVLAError) for name in kinds)
    assert errors.__doc__ is not None
    assert all(name in errors.__doc__ for name in kinds)


def test_a_missing_extra_names_the_install_line() -> None:
    from drivevla.errors import MissingExtra, require

    with pytest.raises(MissingExtra, match=r"pip install 'drivevla\[train\]'"):
        require("a_package_that_is_not_there", "train")


def test_an_unknown_name_gets_the_nearest_match() -> None:
    from drivevla.errors import unknown_name

    assert "did you mean 'regression'?" in str(unknown_name("head", "regresion", ["regression", "flow"]))
    assert "did you mean" not in str(unknown_name("head", "zzz", ["regression", "flow"]))


READS_SENTENCES = {"parse_instruction", "parse_commentary", "score_sentences", "swap_left_right_in_sentence"}
DRIVES = ("perception", "planner", "sim", "models", "policies", "training")


def test_nothing_that_drives_reads_a_sentence_by_pattern() -> None:
    """Pattern code labels and scores; it never stands between a sentence and a plan."""
    readers = []
    for module, path in source_files():
        if room(module) not in DRIVES:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("drivevla.language"):
                names = {alias.name for alias in node.names}
                if names & READS_SENTENCES or (node.module or "").endswith((".parsing", ".scoring")):
                    readers.append(f"{module} imports {sorted(names)} from {node.module}")
    assert not readers, "\n".join(readers)
