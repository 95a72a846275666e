"""The norm of the convolutions."""

import torch

from drivevla.perception.normalising import ChannelNorm, _Normalised


def made(channels: int) -> ChannelNorm:
    torch.manual_seed(3)
    norm = ChannelNorm(channels)
    torch.nn.init.normal_(norm.gain)
    torch.nn.init.normal_(norm.shift)
    return norm


def test_each_place_is_brought_to_unit_size_over_its_channels() -> None:
    norm = made(2)
    # 3 and 4: the mean square is 12.5, and a tenth is added before the root.
    features = torch.tensor([3.0, 4.0]).reshape(1, 2, 1, 1)
    expected = features / 12.6**0.5 * norm.gain + norm.shift
    torch.testing.assert_close(norm(features), expected)


def test_nothing_stays_nothing() -> None:
    norm = ChannelNorm(4)
    torch.testing.assert_close(norm(torch.full((1, 4, 2, 2), 1e-4)), torch.full((1, 4, 2, 2), 1e-4 / 0.1**0.5))


def test_memory_layout_and_company_change_nothing() -> None:
    norm, features = made(8), torch.randn(3, 8, 4, 5)
    whole = norm(features.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(whole, norm(features))
    torch.testing.assert_close(whole[1:2], norm(features[1:2]))


def test_the_written_out_gradient_is_the_true_one() -> None:
    torch.manual_seed(0)
    places, gain, shift = (torch.randn(*size, dtype=torch.float64, requires_grad=True) for size in ((5, 3), (3,), (3,)))
    assert torch.autograd.gradcheck(_Normalised.apply, (places, gain, shift))


def test_it_computes_in_full_precision_under_autocast() -> None:
    norm, features = made(8), torch.randn(1, 8, 4, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = norm(features.bfloat16())
    assert out.dtype == torch.float32
    torch.testing.assert_close(out, norm(features.bfloat16().float()))
    out.sum().backward()
    assert norm.gain.grad is not None
