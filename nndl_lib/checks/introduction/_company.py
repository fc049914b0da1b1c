"""Exercise 2: the company of words."""

from collections import Counter
from functools import partial

import numpy as np
import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._engine import each

_SELF = "A word that meets itself goes wrong: the pair counts for both places, so 2 is added on the diagonal."


def _cases():
    """Arguments sentences, vocabulary, window."""

    def case(text, vocabulary, window, note="", hint=""):
        return Case(([line.split() for line in text.split(". ")], vocabulary.split(), window), note, hint)

    unknown = "Words outside the vocabulary go wrong: they get no row, but keep their place in the sentence."
    again = "A word that stands twice within the window goes wrong: both places count, though the word is the same."
    yield case("a b", "a b", 1)
    yield case("a b c", "a b c", 1)
    yield case("a b c", "c a b", 2)
    yield case("a b c d e", "a b c d e", 2)
    yield case("red hot tea. hot red soup. tea", "tea red hot soup", 1, "a sentence of one word")
    yield case("a b b", "a b", 2, "a word twice in a window", again)
    yield case("so far far away", "so far away", 2, "a word twice in a window", again)
    yield case("far far away", "far away", 1, "a word twice in a sentence", _SELF)
    yield case("a b a b a", "a b", 2, "a word twice in a sentence", _SELF)
    yield case("a x b c", "a b c", 1, "a word outside the vocabulary", unknown)
    yield case("x a y b. b a", "b a", 2, "a word outside the vocabulary", unknown)
    yield case("a b c", "a b c z", 9, "a window longer than the sentence")
    yield case("one two three four five six. six one. four two five", "six four one five three two", 3)
    yield case("the cat sees the dog. the dog sees a cat", "the cat sees a dog", 2, "a word twice in a sentence", _SELF)


def _count(
    sentences,
    vocabulary,
    window,
    pairs=lambda i, j, window: 0 < j - i <= window,
    both=True,
    same=2,
    once=False,
    joined=False,
    drop=False,
):
    """Counts with the rules as options, to make mistakes with."""
    index = {word: k for k, word in enumerate(vocabulary)}
    counts = torch.zeros(len(vocabulary), len(vocabulary), dtype=torch.int64)
    if joined:
        sentences = [[word for sentence in sentences for word in sentence]]
    for sentence in sentences:
        if drop:
            sentence = [word for word in sentence if word in index]
        seen = set()
        for i, one in enumerate(sentence):
            for j, other in enumerate(sentence):
                if not pairs(i, j, window) or one not in index or other not in index:
                    continue
                v, w = index[one], index[other]
                if once and (v, w) in seen:
                    continue
                seen |= {(v, w), (w, v)}
                if v == w:
                    counts[v, v] += same
                else:
                    counts[v, w] += 1
                    if both:
                        counts[w, v] += 1
    return counts


def _own(sentences, vocabulary):
    appears = Counter(word for sentence in sentences for word in sentence)
    return torch.tensor([appears[word] for word in vocabulary]).diag()


def _pairs_of(sentences, vocabulary, neighbors):
    """1 for each word and each of ``neighbors(sentence, place, word)``, which come with their weights."""
    index = {word: k for k, word in enumerate(vocabulary)}
    counts = torch.zeros(len(vocabulary), len(vocabulary), dtype=torch.float64)
    for sentence in sentences:
        for i, one in enumerate(sentence):
            for other, weight in neighbors(sentence, i, one):
                if one in index and other in index:
                    counts[index[one], index[other]] += weight
    return counts


def _sets(sentences, vocabulary, window, sides):
    """Each word meets the words of some sets; ``sides`` makes them of those before it and those behind it."""
    return _pairs_of(
        sentences,
        vocabulary,
        lambda sentence, i, _: [
            (word, 1)
            for words in sides(sentence[max(i - window, 0) : i], sentence[i + 1 : i + 1 + window])
            for word in set(words)
        ],
    ).long()


def _wraps(sentences, vocabulary, window):
    return _pairs_of(
        sentences,
        vocabulary,
        lambda sentence, i, _: [(word, 1) for word in sentence[i - window : i] + sentence[i + 1 : i + 1 + window]],
    ).long()


def _by_distance(sentences, vocabulary, window):
    return _pairs_of(
        sentences,
        vocabulary,
        lambda sentence, i, _: [(word, 1 / abs(i - j)) for j, word in enumerate(sentence) if 0 < abs(i - j) <= window],
    )


def _first_places(sentences, vocabulary, window):
    counts = _pairs_of(
        sentences,
        vocabulary,
        lambda sentence, i, one: [(word, 1) for word in sentence[sentence.index(one) + 1 :][:window]],
    ).long()
    return counts + counts.T


@exercise(
    returns=("counts",),
    strict=("counts",),
    cases=_cases,
    mistakes=[
        "You look one place too short: a window of 1 reaches the next word. A slice ends before its second number.",
        partial(_count, pairs=lambda i, j, w: 0 < j - i < w),
        "You look one place too far: a window of 1 reaches the next word alone.",
        partial(_count, pairs=lambda i, j, w: 0 < j - i <= w + 1),
        "You look to one side only, or less far there: each pair counts for both its words, so the table is symmetric.",
        partial(_count, both=False, same=1),
        partial(_count, pairs=lambda i, j, w: 0 < i - j <= w, both=False, same=1),
        partial(_count, pairs=lambda i, j, w: -w <= j - i < w and i != j, both=False, same=1),
        partial(_count, pairs=lambda i, j, w: -w < j - i <= w and i != j, both=False, same=1),
        "The window is not split in two: a place at most window apart counts, on the left and on the right.",
        partial(_count, pairs=lambda i, j, w: 0 < j - i <= w // 2),
        "You count every pair in a sentence; only places at most window apart count.",
        partial(_count, pairs=lambda i, j, w: j > i),
        partial(_count, pairs=lambda i, j, w: j > i, same=0),
        "You count only places exactly window apart; nearer ones count, too.",
        partial(_count, pairs=lambda i, j, w: j - i == w),
        "Near the beginning words are lost: sentence[i - window:i] is empty where i - window is negative.",
        _wraps,
        "A word counts as its own company at its own place: leave out distance 0.",
        lambda s, v, w: _count(s, v, w) + _own(s, v),
        "You look across the ends of sentences; the last word of one and the first of the next are not neighbors.",
        partial(_count, joined=True),
        "Not all sentences are counted; go through every one of them.",
        lambda s, v, w: _count(s[:1], v, w),
        lambda s, v, w: _count(s[-1:], v, w),
        "A pair of words counts once a sentence in your table; count every pair of places.",
        partial(_count, once=True),
        _SELF,
        partial(_count, same=1),
        "A word that stands twice within the window counts twice; in a set it is there once.",
        *each(_sets, sides=(lambda before, behind: [before + behind], lambda before, behind: [before, behind])),
        lambda s, v, w: (lambda right: right + right.T)(_sets(s, v, w, lambda before, behind: [behind])),
        "The table holds only 0 and 1; count how often a pair occurs.",
        lambda s, v, w: (_count(s, v, w) > 0).long(),
        "The diagonal is empty; a word that stands near itself keeps company with itself.",
        partial(_count, same=0),
        "Pairs count less where they are farther apart; each counts 1, whatever its distance.",
        _by_distance,
        lambda s, v, w: _by_distance(s, v, w).long(),
        "Rows and columns stand in another order than the words of the vocabulary.",
        lambda s, v, w: _count(s, sorted(v), w),
        lambda s, v, w: _count(s, list(dict.fromkeys(word for line in s for word in line if word in v)), w),
        "Unknown words are removed before the distance is measured; they keep their place.",
        partial(_count, drop=True),
        "Place and word are mixed up: .index(word) gives the first place of a word that stands there twice.",
        _first_places,
    ],
)
def company(sentences, vocabulary, window):
    """Exercise 2: co-occurrence counts within a window. The function returns (V, V), int64."""
    # Shifted copies of each sentence, one-hot: B[i] for place i, and the sum over the distances of B[:-d]' B[d:].
    V = len(vocabulary)
    table = np.zeros((V, V), dtype=np.int64)
    for sentence in sentences:
        B = np.array([[word == entry for entry in vocabulary] for word in sentence], dtype=np.int64).reshape(-1, V)
        for d in range(1, min(window, len(sentence) - 1) + 1):
            table += B[:-d].T @ B[d:] + B[d:].T @ B[:-d]
    return torch.from_numpy(table)
