import pytest

from drivevla.cli import main
from drivevla.config.presets import preset_names
from drivevla.config.resolve import load_config
from drivevla.training.recipe import RecipeConfig

SYSTEMS = {
    "cliport", "vima", "merlot_reserve", "videogpt", "rt2", "palm_e", "openvla", "openvla_oft", "smolvla", "edgevla",
    "helix", "dexvla", "egovla", "covla_agent", "opendrivevla", "orion", "simlingo", "autovla", "alpamayo",
    "diffusiondrive", "minddrive", "realtime_chunking", "nano", "tiny", "base",
}  # fmt: skip


def test_every_system_has_its_recipe() -> None:
    assert set(preset_names("recipes")) == SYSTEMS


@pytest.mark.parametrize("name", preset_names("recipes"))
def test_every_recipe_is_named_after_its_file_and_fits_a_page(name: str) -> None:
    recipe = load_config(RecipeConfig, name)

    assert recipe.name == name
    assert recipe.summary.endswith(".")
    assert len(recipe.summary) <= 140
    assert all(len(phrase) <= 140 and not phrase.endswith(".") for phrase in recipe.mechanism)


def test_the_table_states_truthfully_what_can_be_trained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes"]) == 0

    out = capsys.readouterr().out
    recipes = [load_config(RecipeConfig, name) for name in preset_names("recipes")]
    available = sum(recipe.state == "available" for recipe in recipes)
    for recipe in recipes:
        assert f"{recipe.name} " in out
    assert f"{len(recipes)} recipes: {available} available, {len(recipes) - available} planned" in out


def test_one_recipe_is_described_with_source_and_mechanism(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", "smolvla"]) == 0

    out = " ".join(capsys.readouterr().out.split())
    recipe = load_config(RecipeConfig, "smolvla")
    assert f"smolvla: SmolVLA ({recipe.state})" in out
    assert f"source: {recipe.source}, {recipe.year}" in out
    for phrase in recipe.mechanism:
        assert phrase in out


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("state=done", "one of 'planned', 'available'"),
        ("year=1066", "year must be a year of this century"),
        ("mechanism=[]", "mechanism must name at least one thing"),
        ("summary=", "accepted: text"),
        ("name=Nano Two", "name must be lower-case"),
        ("system='  '", "system must not be empty"),
    ],
)
def test_a_recipe_that_says_nothing_is_refused(
    override: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "show", "recipes/nano", override]) == 2
    assert complaint in capsys.readouterr().err
