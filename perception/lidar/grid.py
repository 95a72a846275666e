"""The grid around the car that BEV features live on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from drivevla.errors import ConfigError

__all__ = ["BevGrid"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BevGrid:
    """A rectangle of square cells in the ego frame; axis X runs ahead, axis Y to the left.

    Attributes:
        ahead_m: From behind (negative) to ahead.
        aside_m: From the right (negative) to the left.
        cell_m: Side of a cell.
    """

    ahead_m: tuple[float, float] = (-16.0, 48.0)
    aside_m: tuple[float, float] = (-32.0, 32.0)
    cell_m: float = 0.5

    def __post_init__(self) -> None:
        """Check that whole cells fill it.

        Raises:
            ConfigError: They do not.
        """
        for name in ("ahead_m", "aside_m"):
            low, high = getattr(self, name)
            object.__setattr__(self, name, (low, high))  # a recipe's is a list, and no key of a cache
            count = (high - low) / self.cell_m
            if not count > 0 or abs(count - round(count)) > 1e-6:
                raise ConfigError(f"{name} {low:g} to {high:g} m is not filled by whole cells of {self.cell_m:g} m")

    @property
    def shape(self) -> tuple[int, int]:
        """Cells ahead and aside."""
        ahead = round((self.ahead_m[1] - self.ahead_m[0]) / self.cell_m)
        return ahead, round((self.aside_m[1] - self.aside_m[0]) / self.cell_m)

    def coarser(self, factor: int) -> BevGrid:
        """The same rectangle with larger cells."""
        return BevGrid(ahead_m=self.ahead_m, aside_m=self.aside_m, cell_m=self.cell_m * factor)

    def cells(self, xy_m: Tensor) -> tuple[Tensor, Tensor]:
        """(...,) index of the cell of each (..., 2) point, counted row by row, and whether it lies inside."""
        low = xy_m.new_tensor([self.ahead_m[0], self.aside_m[0]])
        size_x, size_y = self.shape
        cell = ((xy_m - low) / self.cell_m).floor().long()
        inside = (cell[..., 0] >= 0) & (cell[..., 0] < size_x) & (cell[..., 1] >= 0) & (cell[..., 1] < size_y)
        return cell[..., 0] * size_y + cell[..., 1], inside

    def places(self, xy_m: Tensor) -> Tensor:
        """(..., 2) where (..., 2) points lie on features of this grid, as ``grid_sample`` wants it.

        From -1 to 1 within the grid, the last axis first: to the left, then ahead.
        """
        low = xy_m.new_tensor([self.ahead_m[0], self.aside_m[0]])
        high = xy_m.new_tensor([self.ahead_m[1], self.aside_m[1]])
        return (2 * (xy_m - low) / (high - low) - 1).flip(-1)

    def centres(self, device: torch.device | None = None) -> Tensor:
        """(X, Y, 2) middles of the cells in metres."""
        x, y = (
            low + (torch.arange(count, device=device) + 0.5) * self.cell_m
            for (low, _), count in zip((self.ahead_m, self.aside_m), self.shape, strict=True)
        )
        return torch.stack(torch.meshgrid(x, y, indexing="ij"), dim=-1)
