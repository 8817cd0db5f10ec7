"""Directions from inner products alone, so that the vectors themselves may stay on disk.

L-BFGS is Nocedal's two-loop recursion written for the coefficients of a linear combination of
stored vectors (Chen, Wang & Zhou, 2014, Large-scale L-BFGS using MapReduce), with a preconditioner
P in the middle. P is known by what it made of the gradients only: y -> Py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Products:
    """Inner products of the stored pairs, oldest first.

    Attributes:
        s_y: ``s_y[i][j]`` = s_i . y_j.
        y_py: ``y_py[i][j]`` = y_i . P y_j.
    """

    s_y: tuple[tuple[float, ...], ...] = ()
    y_py: tuple[tuple[float, ...], ...] = ()

    @property
    def count(self) -> int:
        """Number of pairs."""
        return len(self.s_y)

    def without_oldest(self) -> Products:
        """Return the same without the first pair."""
        return Products(
            tuple(row[1:] for row in self.s_y[1:]), tuple(row[1:] for row in self.y_py[1:])
        )

    def with_pair(
        self,
        s_new_y: Sequence[float],
        s_y_new: Sequence[float],
        y_new_py: Sequence[float],
        y_py_new: Sequence[float],
    ) -> Products:
        """Return the same with a newest pair.

        Args:
            s_new_y: the new s with every y, the new one last.
            s_y_new: every s with the new y, the new one last.
            y_new_py: the new y with every Py, the new one last.
            y_py_new: every y with the new Py, the new one last.
        """

        def grow(
            rows: tuple[tuple[float, ...], ...], column: Sequence[float], last: Sequence[float]
        ) -> tuple[tuple[float, ...], ...]:
            kept = tuple((*row, more) for row, more in zip(rows, column[:-1], strict=True))
            return (*kept, tuple(last))

        return Products(grow(self.s_y, s_y_new, s_new_y), grow(self.y_py, y_py_new, y_new_py))


@dataclass(frozen=True)
class Combination:
    """A direction as a linear combination of stored vectors.

    Attributes:
        gradient: factor of the (preconditioned) gradient.
        s: factors of the s, oldest first.
        py: factors of the Py, oldest first.
        previous: factor of the direction before.
    """

    gradient: float
    s: tuple[float, ...] = ()
    py: tuple[float, ...] = ()
    previous: float = 0.0


STEEPEST_DESCENT = Combination(-1.0)


def lbfgs(products: Products, s_g: Sequence[float], y_pg: Sequence[float]) -> Combination:
    """Return the direction of L-BFGS.

    Args:
        products: inner products of the pairs; each s_i . y_i must be above 0.
        s_g: s_i . g, oldest first.
        y_pg: y_i . P g, oldest first.

    Returns:
        Minus the inverse Hessian on the gradient.
    """
    count = products.count
    if count == 0:
        return STEEPEST_DESCENT
    s_y, y_py = products.s_y, products.y_py
    alpha = [0.0] * count
    for i in reversed(range(count)):
        newer = math.fsum(alpha[j] * s_y[i][j] for j in range(i + 1, count))
        alpha[i] = (s_g[i] - newer) / s_y[i][i]
    scale = s_y[-1][-1] / y_py[-1][-1]
    left = [0.0] * count
    for i in range(count):
        y_q = scale * (y_pg[i] - math.fsum(alpha[j] * y_py[i][j] for j in range(count)))
        older = math.fsum(left[j] * s_y[j][i] for j in range(i))
        left[i] = alpha[i] - (y_q + older) / s_y[i][i]
    return Combination(
        gradient=-scale,
        s=tuple(-factor for factor in left),
        py=tuple(scale * factor for factor in alpha),
    )


def nlcg(formula: str, g_pg: float, g_old_pg: float, old_g_pg: float) -> Combination:
    """Return the direction of the nonlinear conjugate gradients.

    Args:
        formula: ``polak_ribiere`` (never below 0) or ``fletcher_reeves``.
        g_pg: g . P g of the new gradient.
        g_old_pg: old gradient . P g.
        old_g_pg: g . P g of the old gradient.

    Returns:
        The new direction; steepest descent where two gradients in a row are far from orthogonal
        (Powell's restart) or the old one was zero.
    """
    if old_g_pg <= 0.0 or abs(g_old_pg) >= 0.2 * g_pg:
        return STEEPEST_DESCENT
    above = g_pg if formula == "fletcher_reeves" else max(0.0, g_pg - g_old_pg)
    return Combination(-1.0, previous=above / old_g_pg)
