"""Exercise 4: bits per character."""

import math
from collections import Counter
from functools import partial

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import generator


def _cases():
    """Arguments train, ids, K, alpha."""
    unseen = (
        "Where a character of the new text never came in training it goes wrong: its counts are 0, and each p is 1 / K."
    )
    yield Case((torch.tensor([0, 1, 0]), torch.tensor([0, 1]), 2, 1.0), "one pair")
    yield Case((torch.tensor([0, 1, 0, 0, 1]), torch.tensor([0, 1, 1, 0]), 2, 0.5))
    yield Case((torch.tensor([0, 1, 2, 1, 0, 1]), torch.tensor([1, 0, 1, 2, 1]), 3, 0.25))
    yield Case((torch.tensor([0, 1, 1, 0]), torch.tensor([3, 2, 0, 1]), 5, 0.5), "characters never seen", unseen)
    yield Case((torch.tensor([2, 2, 2]), torch.tensor([2, 2, 2, 2]), 3, 0.1), "one character over and over")
    for N, M, K, alpha in [(40, 12, 4, 0.1), (100, 30, 6, 1.0), (30, 50, 3, 0.01)]:
        g = generator(100 + N)
        yield Case((torch.randint(K, (N,), generator=g), torch.randint(K, (M,), generator=g), K, alpha))


def _longer_texts():
    def arguments(N):
        g = generator(N)
        return torch.randint(4, (N,), generator=g), torch.randint(4, (N,), generator=g), 4, 0.5

    return [("characters", arguments(8), arguments(128), 100)]


def _counts(ids, K):
    counts = torch.zeros(K, K, dtype=torch.float64)
    return counts.index_put_((ids[:-1], ids[1:]), torch.ones(len(ids) - 1, dtype=torch.float64), accumulate=True)


def _bits(
    train,
    ids,
    K,
    alpha,
    table=lambda c, K, a: (c + a) / (c.sum(dim=1, keepdim=True) + a * K),
    log=torch.log2,
    over=None,
    reduce=lambda v: v.mean(),
):
    p = table(_counts(train, K), K, alpha)
    first, second = (ids[:-1], ids[1:]) if over is None else over(ids)
    value = reduce(-log(p[first, second])).item()
    if not math.isfinite(value):
        raise ValueError("infinite")
    return value


@exercise(
    returns=("bits",),
    strict=("bits",),
    cases=_cases,
    loops=_longer_texts,
    mistakes=[
        "It is in nats: take the logarithm to the base 2.",
        partial(_bits, log=torch.log),
        "It is in decimal digits: take the logarithm to the base 2.",
        partial(_bits, log=torch.log10),
        "You return the sum over the pairs; take their average.",
        partial(_bits, reduce=lambda v: v.sum()),
        "You divide by the number of characters; the first has no predecessor, so there is one pair less.",
        lambda train, ids, K, alpha: _bits(train, ids, K, alpha) * (len(ids) - 1) / len(ids),
        "You return the perplexity; leave the bits as they are.",
        partial(_bits, reduce=lambda v: 2 ** v.mean()),
        "You average the probabilities before the logarithm; average the logarithms.",
        partial(_bits, log=lambda p: p, reduce=lambda v: -(-v).mean().log2()),
        "You smooth the top and not the bottom: with alpha added to K counts, the total grows by alpha K.",
        partial(_bits, table=lambda c, K, alpha: (c + alpha) / c.sum(dim=1, keepdim=True)),
        "You add alpha to the total; it was added to K counts, so the total grows by alpha K.",
        partial(_bits, table=lambda c, K, alpha: (c + alpha) / (c.sum(dim=1, keepdim=True) + alpha)),
        "You add 1 to every count; add alpha.",
        partial(_bits, table=lambda c, K, alpha: (c + 1) / (c.sum(dim=1, keepdim=True) + K)),
        "There is no smoothing: add alpha to every count.",
        partial(_bits, table=lambda c, K, alpha: c / c.sum(dim=1, keepdim=True)),
        "You normalize over all pairs; each row adds up to 1, as the character before is given.",
        partial(_bits, table=lambda c, K, alpha: (c + alpha) / (c.sum() + alpha * K * K)),
        "You normalize over the character before; given that, the ones that may follow add up to 1: sum over dim=1.",
        partial(_bits, table=lambda c, K, alpha: (c + alpha) / (c.sum(dim=0, keepdim=True) + alpha * K)),
        "The order of the pair is exchanged: the row is the character before, the column the one after.",
        partial(_bits, over=lambda ids: (ids[1:], ids[:-1])),
        "You count which character came before each, not after: the row is the first of a pair, the column the second.",
        partial(_bits, table=lambda c, K, alpha: (c.T + alpha) / (c.T.sum(dim=1, keepdim=True) + alpha * K)),
        "A pair that comes several times is counted once: += to an index adds only once for equal indices.",
        partial(_bits, table=lambda c, K, alpha: ((c > 0) + alpha) / ((c > 0).sum(dim=1, keepdim=True) + alpha * K)),
        "The character before has no effect: this is a model of single characters.",
        partial(_bits, table=lambda c, K, alpha: ((c.sum(dim=0) + alpha) / (c.sum() + alpha * K)).expand(K, K)),
        "The denominator counts the last character of train, too, which nothing follows: add up the row of counts.",
        lambda train, ids, K, alpha: _bits(
            train,
            ids,
            K,
            alpha,
            table=lambda c, K, alpha: (c + alpha) / (torch.bincount(train, minlength=K)[:, None] + alpha * K),
        ),
        "Pairs are counted in both directions: n(a, b) is how often b came right after a.",
        partial(_bits, table=lambda c, K, alpha: (c + c.T + alpha) / ((c + c.T).sum(dim=1, keepdim=True) + alpha * K)),
        "The last character of train is followed by the first one here; nothing follows it.",
        lambda train, *a: _bits(torch.cat([train, train[:1]]), *a),
        "The denominator has the counts of all pairs; given the character before, it is the row's sum plus alpha K.",
        partial(_bits, table=lambda c, K, alpha: (c + alpha) / (c.sum() + alpha * K)),
        "You measure on the training text; the bits of ids are asked for.",
        lambda train, ids, K, alpha: _bits(train, train, K, alpha),
        "You count in ids; the counts come from train, and ids is only measured.",
        lambda train, ids, K, alpha: _bits(ids, ids, K, alpha),
    ],
)
def bigram_bits(train, ids, K, alpha):
    """Exercise 4: bits per character of a bigram model with additive smoothing. The function returns a number."""
    train, ids = train.tolist(), ids.tolist()
    pairs, singles = Counter(zip(train, train[1:])), Counter(train[:-1])
    terms = [math.log2((pairs[a, b] + alpha) / (singles[a] + alpha * K)) for a, b in zip(ids, ids[1:])]
    return -math.fsum(terms) / len(terms)
