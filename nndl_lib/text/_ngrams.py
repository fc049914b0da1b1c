"""n-gram models of characters: what came after the last few characters so far, counted and smoothed.

The baseline of chapter 10, "Recurrent networks".
"""

from typing import NamedTuple

import torch
from torch import Tensor

from nndl_lib._arguments import check_positive
from nndl_lib._declared import checked, count, one_of
from nndl_lib.text._checks import check_ids


class _Counts(NamedTuple):
    """How often each n-gram of one length came. An n-gram is one number: its characters as digits to the base K."""

    ngrams: Tensor  # sorted
    counts: Tensor
    contexts: Tensor  # sorted: the n-grams without their last character
    totals: Tensor  # how often each context came with a character after it
    kinds: Tensor  # with how many different ones


class NGram:
    """The probability of a character given the ``order - 1`` characters before it, from counts.

    Never seen does not mean impossible, so counts are smoothed:

    - "witten-bell": ``p_n = (count + kinds * p_(n-1)) / (total + kinds)``, where total is how often the context came,
      kinds how many different characters came after it, and p_(n-1) is the same with a context shorter by one
      character, down to 1 / K. The more kinds, the more is left for what never came. Source: Witten & Bell (1991),
      https://doi.org/10.1109/18.87000; interpolated as in Chen & Goodman (1999),
      https://doi.org/10.1006/csla.1999.0128.
    - "additive": ``(count + alpha) / (total + alpha K)``, with the whole context alone.

    At the start of a text, where there are fewer characters before, the context is those. It is a language model as
    ``sample`` takes one: called with characters (T, N) and a state, the characters before them.
    """

    @checked(order=count(), smoothing=one_of("witten-bell", "additive"), alpha=check_positive, K=count())
    def __init__(self, order: int, smoothing: str = "witten-bell", alpha: float = 0.1, K: int = 96):
        """Take the order, at least 1: characters of context plus 1; the alphabet has K characters.

        Raises: ValueError: ``K**order`` exceeds an int64, order or K is not at least 1, or alpha is not above 0.
        """
        if K**order > torch.iinfo(torch.int64).max:
            raise ValueError(f"NGram: order is {order}; expected one for which {K}**order is below 2**63")
        self.order, self.smoothing, self.alpha, self.K = order, smoothing, alpha, K
        self.tables: list[_Counts] = []  # entry n - 1 counts the n-grams

    def fit(self, ids: Tensor) -> "NGram":
        """Count the n-grams of a text (M,), instead of those before. Returns the model.

        Raises: ValueError: ids are not (M,) int64 from 0 to K - 1, or fewer than order.
        """
        check_ids(ids, "ids", "NGram", K=self.K)
        if len(ids) < self.order:
            raise ValueError(f"NGram: ids have shape {tuple(ids.shape)}; expected at least {self.order}, the order")
        self.tables = []
        for n in range(1, self.order + 1):
            ngrams, counts = self._numbers(ids.unfold(0, n, 1)).unique(return_counts=True)
            contexts, where, kinds = (ngrams // self.K).unique_consecutive(return_inverse=True, return_counts=True)
            totals = torch.zeros_like(kinds).index_add_(0, where, counts)
            self.tables.append(_Counts(ngrams, counts, contexts, totals, kinds))
        return self

    def probability(self, ngrams: Tensor) -> Tensor:
        """The probability of the last character of each of the n-grams (M, n) given those before it: (M,) float64.

        Of more than ``order`` characters, only the last ones count; of fewer, the context is shorter.

        Raises: ValueError: the model has not been fitted, or ngrams are not (M, n) int64 from 0 to K - 1.
        """
        return self._probability(check_ids(ngrams, "ngrams", "NGram", "M n", self.K))

    def _probability(self, ngrams: Tensor) -> Tensor:
        if not self.tables:
            raise ValueError("NGram: the model has no counts; expected fit before")
        n = min(ngrams.shape[1], self.order)
        p = torch.full((len(ngrams),), 1 / self.K, dtype=torch.float64, device=ngrams.device)
        for length in range(1, n + 1) if self.smoothing == "witten-bell" else [n]:
            table, numbers = self.tables[length - 1], self._numbers(ngrams[:, -length:])
            count, contexts = _look_up(numbers, table.ngrams, table.counts), numbers // self.K
            total, kinds = (_look_up(contexts, table.contexts, column) for column in (table.totals, table.kinds))
            if self.smoothing == "additive":
                return (count.to(p.dtype) + self.alpha) / (total.to(p.dtype) + self.alpha * self.K)
            p = torch.where(total > 0, (count + kinds * p) / (total + kinds).clamp(min=1), p)
        return p

    def bits_per_character(self, ids: Tensor) -> float:
        """The average of ``-log2 p`` over a text (M,), each character given those before it.

        Raises: ValueError: the model has not been fitted, or ids are not (M,) int64 from 0 to K - 1.
        """
        check_ids(ids, "ids", "NGram", K=self.K)
        start = [self._probability(ids[:n].unsqueeze(0)) for n in range(1, min(self.order, len(ids) + 1))]
        rest = [self._probability(ids.unfold(0, self.order, 1))] if len(ids) >= self.order else []
        return -torch.cat(start + rest).log2().mean().item()

    def __call__(self, ids: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Logits (T, N, K), here ``log p``, of the character after each of ids (T, N), and the state for what follows.

        Raises: ValueError: the model has not been fitted, or ids are not (T, N) int64 from 0 to K - 1.
        """
        check_ids(ids, "ids", "NGram", "T N", self.K)
        text = ids
        if state is not None:
            text = check_ids(torch.cat([state, ids]), "state and ids", "NGram", "T N", self.K)
        logits = []
        for end in range(len(text) - len(ids) + 1, len(text) + 1):
            context = text[max(0, end - self.order + 1) : end].T  # (N, up to order - 1)
            following = torch.arange(self.K, device=ids.device).repeat(len(context)).unsqueeze(1)
            ngrams = torch.cat([context.repeat_interleave(self.K, dim=0), following], dim=1)
            logits.append(self._probability(ngrams).log().reshape(-1, self.K))
        return torch.stack(logits), text[max(0, len(text) - self.order + 1) :]

    def _numbers(self, ngrams: Tensor) -> Tensor:
        # (M, n) to (M,): the digits read as one number.
        return ngrams @ self.K ** torch.arange(ngrams.shape[1] - 1, -1, -1, device=ngrams.device)


def _look_up(keys: Tensor, found: Tensor, values: Tensor) -> Tensor:
    # The value of each key, 0 for a key that is not among those found, which are sorted.
    at = torch.searchsorted(found, keys).clamp(max=len(found) - 1)
    return torch.where(found[at] == keys, values[at], 0)
