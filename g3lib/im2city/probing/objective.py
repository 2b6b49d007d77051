"""What a probe minimises: C times the sum of cross-entropies, plus half the squared weights; scikit-learn's objective.

One pass over the features gives the loss and its gradient: two matrix products for each block, and nothing as large as
photos x classes is kept. Products have the features' precision, sums over blocks are float64.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from g3lib.im2city.probing.rows import Rows


@dataclass(frozen=True)
class Value:
    """The loss and its gradient, weights (k, d) and bias (k,) float64."""

    loss: float
    weights: Tensor
    bias: Tensor


@dataclass(frozen=True)
class Objective:
    """For weights and bias over centred features; the bias is not penalised.

    targets: (n,) int64 classes. shares: (k, k), row y is the distribution that photos of class y are to have: rows of
    the identity for one-hot targets. c: inverse strength of the ridge.
    """

    rows: Rows
    targets: Tensor
    shares: Tensor
    c: float

    def __call__(self, weights: Tensor, bias: Tensor) -> Value:
        """At weights (k, d) and bias (k,), float64."""
        narrow, offset = weights.to(self.rows.dtype), bias.to(self.rows.dtype)
        loss = weights.new_zeros(())
        by_weight, by_bias = torch.zeros_like(weights), torch.zeros_like(bias)
        for rows in self.rows.spans():
            block = self.rows.block(rows)
            wanted = self.shares[self.targets[rows]]
            logs = torch.log_softmax(torch.addmm(offset, block, narrow.T), dim=1)
            loss -= (wanted * logs).sum(dim=1).sum(dtype=torch.float64)
            excess = logs.exp_().sub_(wanted)
            by_weight += excess.T @ block
            by_bias += excess.sum(dim=0, dtype=torch.float64)
        total = self.c * loss + weights.square().sum() / 2
        return Value(total.item(), self.c * by_weight + weights, self.c * by_bias)
