"""Exercise 3: an analogy."""

from functools import partial

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._engine import each
from nndl_lib.checks._inputs import floats, generator, hundredths


def _cases():
    """Arguments vectors, a, b, c."""
    below = "It goes wrong where all cosines are negative: give the three given words minus infinity, not 0."
    yield Case((floats([1.0, 1.0], [1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]), 0, 1, 2), "four words")
    yield Case(
        (floats([1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [-1.0, -0.5], [-1.0, -3.0]), 0, 1, 2), "negative cosines", below
    )
    yield Case((floats([2.0, 0.0], [0.0, 0.5], [3.0, 3.0], [4.0, 0.5], [1.0, 1.5]), 0, 1, 2), "different lengths")
    for seed, V, k in [(1, 5, 2), (2, 6, 3), (3, 8, 2), (4, 8, 4), (5, 9, 3), (6, 12, 2), (7, 7, 3)]:
        g = generator(330 + seed)
        a, b, c = torch.randperm(V, generator=g)[:3].tolist()
        lengths = torch.randint(1, 6, (V, 1), generator=g)
        yield Case((hundredths(V, k, g=g) * lengths + 0.01, a, b, c), "different lengths")
    for seed in range(3):  # the answer is close to a given word
        g = generator(350 + seed)
        vectors = hundredths(6, 3, g=g)
        yield Case((vectors + 0.01, 2, 4, 0), "")
    g = generator(360)
    yield Case((hundredths(6, 2, g=g) + 0.01, 5, 0, 3), "")
    yield Case(((hundredths(7, 3, g=g) + 0.01).float(), 1, 4, 2), "float32")


def _answer(
    vectors,
    a,
    b,
    c,
    query=lambda u, a, b, c: u[a] - u[b] + u[c],
    unit=True,
    out=-torch.inf,
    length=True,
    least=False,
    all_unit=True,
    given=None,
    score=lambda cosines: cosines,
    by=lambda v: v.norm(dim=1, keepdim=True),
):
    """The right answer, with its rules as options, to make mistakes with."""
    u = vectors / by(vectors) if unit else vectors
    q = query(u, a, b, c)
    rows = u if unit or not all_unit else vectors / vectors.norm(dim=1, keepdim=True)
    scores = score(rows @ (q / q.norm() if length else q))
    scores[[a, b, c] if given is None else given] = torch.inf if least else out
    word = scores.argmin() if least else scores.argmax()
    return int(word), scores[word]


def _nearest(vectors, a, b, c, unit=True):
    u = vectors / vectors.norm(dim=1, keepdim=True) if unit else vectors
    q = u[a] - u[b] + u[c]
    distance = (u - q).norm(dim=1)
    distance[[a, b, c]] = torch.inf
    word = int(distance.argmin())
    return word, distance[word] if unit else torch.cosine_similarity(u[word], q, dim=0)


def _shifted(vectors, a, b, c):
    word, cosine = _answer(vectors, a, b, c)
    return word - sum(given < word for given in (a, b, c)), cosine


@exercise(
    returns=("word", "cosine"),
    cases=_cases,
    mistakes=[
        "It goes wrong where all cosines are negative: give the three given words minus infinity, not 0.",
        partial(_answer, out=0.0),
        "The given words are not left out: the answer must be a fourth one.",
        partial(_answer, given=[]),
        "Not all of the three given words are left out: neither a nor b nor c may be the answer.",
        *(
            lambda v, a, b, c, some=some: _answer(v, a, b, c, given=[(a, b, c)[k] for k in some])
            for some in ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2))
        ),
        "The vectors are not brought to length 1 before you add them.",
        partial(_answer, unit=False),
        "The vectors are not brought to length 1: you compare plain dot products.",
        partial(_answer, unit=False, all_unit=False),
        partial(_answer, unit=False, all_unit=False, length=False),
        "The lengths are not those of the rows: divide each row by the root of the sum of its squares, dim=1.",
        *each(
            _answer,
            by=(
                lambda v: v.norm(dim=0),
                lambda v: v.norm(),
                lambda v: v.abs().sum(dim=1, keepdim=True),
                lambda v: v.square().sum(dim=1, keepdim=True),
                lambda v: v.abs().amax(dim=1, keepdim=True),
            ),
        ),
        "word is right, but cosine is a plain dot product: divide q by its length.",
        partial(_answer, length=False),
        "You add b and subtract c: the result is u_a - u_b + u_c.",
        partial(_answer, query=lambda u, a, b, c: u[a] + u[b] - u[c]),
        "The signs in q are wrong: u_a and u_c are added, u_b alone is subtracted.",
        partial(_answer, query=lambda u, a, b, c: u[a] + u[b] + u[c]),
        partial(_answer, query=lambda u, a, b, c: u[a] - u[b] - u[c]),
        partial(_answer, query=lambda u, a, b, c: u[b] - u[a] - u[c]),
        "The step goes the wrong way: you compute u_b - u_a + u_c. Have a and b changed places, and the sign?",
        partial(_answer, query=lambda u, a, b, c: u[b] - u[a] + u[c]),
        "One of the three words is missing from q: it is u_a - u_b + u_c.",
        partial(_answer, query=lambda u, a, b, c: u[a] - u[b]),
        partial(_answer, query=lambda u, a, b, c: u[a] + u[c]),
        partial(_answer, query=lambda u, a, b, c: u[c] - u[b]),
        partial(_answer, query=lambda u, a, b, c: u[c]),
        "You take the smallest cosine; the nearest word has the largest.",
        partial(_answer, least=True),
        "You drop the sign of the cosines; a word on the opposite side is the farthest, not the nearest.",
        partial(_answer, score=torch.abs),
        "word is right, but beside it you return a distance or an angle; return the cosine.",
        _nearest,
        lambda v, a, b, c: (_nearest(v, a, b, c)[0], _nearest(v, a, b, c)[1] ** 2),
        lambda v, a, b, c: (_answer(v, a, b, c)[0], _answer(v, a, b, c)[1].acos()),
        "You look for the smallest distance of vectors that have different lengths; look for the largest cosine.",
        partial(_nearest, unit=False),
        "word is a place in the list without the three words; return the place among all.",
        _shifted,
    ],
)
def analogy(vectors, a, b, c):
    """Exercise 3: the fourth word, and its cosine. The function returns (word, cosine)."""
    unit = torch.nn.functional.normalize(vectors, dim=1)
    q = (unit[a] - unit[b] + unit[c])[None]
    cosines = torch.nn.functional.cosine_similarity(vectors, q, dim=1)
    word = max((k for k in range(len(vectors)) if k not in (a, b, c)), key=lambda k: cosines[k].item())
    return word, cosines[word]
