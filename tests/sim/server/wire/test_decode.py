import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivevla.errors import ContractError
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.wire import decode

messagepack_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=6),
    max_leaves=20,
)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 2e9, "1", None, True, [1.0]])
def test_number_takes_only_finite_numbers_of_sane_size(value: object) -> None:
    with pytest.raises(ContractError, match="number"):
        decode.number(value)


def test_number_takes_whole_numbers_for_floats() -> None:
    assert decode.number(3) == 3.0


@pytest.mark.parametrize("value", [-1, 2**32, 1.0, True, "7"])
def test_uint32_takes_only_ids(value: object) -> None:
    with pytest.raises(ContractError, match="id"):
        decode.uint32(value)


def test_pose_keeps_the_order_of_the_wire() -> None:
    assert decode.pose([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]) == Pose((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))


def test_pose_with_nan_is_refused() -> None:
    with pytest.raises(ContractError, match="finite"):
        decode.pose([[1.0, math.nan, 3.0], [0.0, 0.0, 0.0]])


def test_optional_is_a_flag_and_perhaps_a_value() -> None:
    decoder = decode.optional(decode.number)
    assert decoder([False]) is None
    assert decoder([True, 0.5]) == 0.5
    with pytest.raises(ContractError):
        decoder([True])


def test_struct_tolerates_missing_and_extra_fields() -> None:
    decoder = decode.struct(lambda first, second=9: (first, second), decode.integer, decode.integer)
    assert decoder([1, 2, 3]) == (1, 2)
    assert decoder([1]) == (1, 9)


@given(messagepack_values)
def test_decoders_give_a_value_or_a_contract_error(value: object) -> None:
    for decoder in (
        decode.number,
        decode.uint32,
        decode.vector,
        decode.pose,
        decode.optional(decode.pose),
        decode.sequence(decode.text),
        decode.variant_index,
    ):
        with contextlib.suppress(ContractError):
            decoder(value)
