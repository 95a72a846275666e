"""The Traffic Manager's batch is read in one go: never otherwise than any other batch would be."""

import copy
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from drivevla.errors import ContractError
from drivevla.sim.server.calls.every import every_call
from drivevla.sim.server.wire import decode

BATCH = every_call()["apply_batch"].decoders[0]
IN_GENERAL = decode.sequence(decode.variant_of_one)

_scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(), st.text(max_size=3), st.binary(max_size=3)
)
_values = st.recursive(_scalars, lambda parts: st.lists(parts, max_size=4), max_leaves=12)
_pedals = st.floats(-2.0, 2.0)
_control = st.tuples(_pedals, _pedals, _pedals, st.booleans(), st.booleans(), st.booleans(), st.integers(-2, 9)).map(
    list
)
_drive = st.tuples(st.integers(0, 2**32), _control).map(lambda fields: [[2, list(fields)]])
_drives = st.lists(_drive, max_size=4)


def _commands(decoder: Any, value: object) -> str:
    try:
        batch = decoder(value)
    except ContractError as error:
        return f"refused: {error}"
    return repr(batch if isinstance(batch, list) else batch.commands())  # by its text: NaN is not equal to itself


@given(_values)
def test_anything_is_read_as_the_general_decoder_reads_it(value: object) -> None:
    assert _commands(BATCH, value) == _commands(IN_GENERAL, value)


@given(_drives)
def test_a_batch_of_controls_is_taken_at_a_glance_and_is_the_same_commands(drives: list[object]) -> None:
    assert not isinstance(BATCH(drives), list)
    assert _commands(BATCH, drives) == _commands(IN_GENERAL, drives)


@given(_drives.filter(bool), _values, st.randoms(use_true_random=False))
def test_a_damaged_batch_of_controls_is_read_as_the_general_decoder_reads_it(
    drives: list[object], rubbish: object, rng: random.Random
) -> None:
    damaged = copy.deepcopy(drives)
    part: Any = damaged
    while isinstance(inner := part[place := rng.randrange(len(part))], list) and inner and rng.random() < 0.8:
        part = inner
    part[place] = rubbish
    if rng.random() < 0.2:
        part.append(rubbish)
    assert _commands(BATCH, damaged) == _commands(IN_GENERAL, damaged)
