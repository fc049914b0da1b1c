"""Exercise 5: learn from an episode."""

from functools import partial

import numpy as np
import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._engine import each
from nndl_lib.checks._inputs import floats, generator


def _cases():
    """Arguments Q, episode, alpha, gamma."""
    zero = torch.zeros(3, 2).double()
    twice = "It goes wrong where a tile is visited twice: each update must see those before it."
    yield Case((zero[:2], [(0, 1, 1.0, 1)], 0.5, 1.0), "one step")
    yield Case((floats([0.5, -1.0], [2.0, 1.0]), [(0, 1, 1.0, 1)], 0.25, 0.5), "one step")
    yield Case((floats([0.5, 0.0], [1.0, 3.0], [4.0, 4.0]), [(0, 1, -1.0, 1), (1, 0, 2.0, 2)], 0.5, 1.0))
    yield Case((floats([0.5, 0.0], [1.0, 3.0], [4.0, 2.0]), [(0, 1, -1.0, 1), (1, 0, 2.0, 2)], 0.5, 0.5))
    yield Case(
        (floats([-2.0, -1.0], [-3.0, -4.0], [-1.0, -2.0]), [(0, 0, 0.0, 1), (1, 1, -1.0, 2)], 0.5, 0.75),
        "negative values",
    )
    yield Case(
        (floats([0.0, 1.0], [2.0, 0.5], [0.0, 1.0]), [(0, 0, 1.0, 1), (1, 1, 0.5, 0), (0, 0, 1.0, 2)], 0.5, 0.5),
        "a tile twice",
        twice,
    )
    yield Case(
        (floats([0.0, 1.0], [2.0, 0.5], [0.0, 1.0]), [(0, 0, 1.0, 0), (0, 0, 1.0, 0), (0, 0, -1.0, 2)], 0.5, 1.0),
        "a tile twice",
        twice,
    )
    again = "It goes wrong where the last step occurs twice: it is the last by its place in the list, len(episode) - 1."
    yield Case(
        (floats([1.0, 2.0], [0.5, 1.5]), [(0, 0, 1.0, 0), (0, 0, 1.0, 0)], 0.5, 0.5), "the same step twice", again
    )
    steps = [(1, 1, -1.0, 0), (0, 1, 2.0, 1), (1, 1, -1.0, 0)]
    yield Case((floats([1.0, 2.0], [0.5, 1.5]), steps, 0.25, 0.5), "the same step twice", again)
    yield Case((floats([1.0, 2.0], [3.0, 1.0], [0.5, 2.0]), [(0, 1, 1.0, 1), (1, 0, 1.0, 2)], 1.0, 0.5), "alpha = 1")
    for seed, S, A, steps, alpha, gamma in [
        (1, 4, 2, 3, 0.5, 0.5),
        (2, 3, 3, 5, 0.25, 1.0),
        (3, 5, 4, 8, 0.5, 0.75),
        (4, 4, 3, 6, 0.125, 0.5),
    ]:
        g = generator(420 + seed)
        tiles = torch.randint(S, (steps + 1,), generator=g).tolist()
        actions = torch.randint(A, (steps,), generator=g).tolist()
        rewards = (torch.randint(-4, 5, (steps,), generator=g).double() / 2).tolist()
        Q = torch.randint(-8, 9, (S, A), generator=g).double() / 4
        yield Case((Q, list(zip(tiles, actions, rewards, tiles[1:])), alpha, gamma))
    yield Case(
        (floats([1.0, 2.0], [3.0, 1.0], [0.5, 2.0]).float(), [(0, 1, 1.0, 1), (1, 0, 1.0, 2)], 0.5, 0.5), "float32"
    )


def _lived(
    Q,
    episode,
    alpha,
    gamma,
    best=lambda row: row.max(),
    end=True,
    order=1,
    rule=None,
    frozen=False,
    hope_of=lambda Q, s, a, after: Q[after],
    last=None,
    powers=None,
    into=0,
):
    """The updates with their rules as options. ``frozen``: None reads hope alone in the old table."""
    before, Q = Q, Q.clone()
    rule = rule or (lambda q, r, hope: q + alpha * (r + hope - q if powers is not None else r + gamma * hope - q))
    for k, step in list(enumerate(episode))[::order]:
        s, a, r, after = step
        ends = last(step) if last else k == len(episode) - 1
        hope = 0.0 if end and ends else best(hope_of(Q if frozen is False else before, s, a, after))
        hope = hope if powers is None else gamma ** (k + powers) * hope
        Q[step[into], a] = rule((before if frozen else Q)[step[into], a].clone(), r, hope)
    return Q


def _next_action(Q, episode, alpha, gamma):
    """With the action that was taken next, instead of the best one."""
    Q = Q.clone()
    for (s, a, r, after), following in zip(episode, [*episode[1:], None]):
        hope = 0.0 if following is None else Q[after, following[1]]
        Q[s, a] = Q[s, a] + alpha * (r + gamma * hope - Q[s, a])
    return Q


@exercise(
    returns=("Q",),
    cases=_cases,
    mistakes=[
        "The last step hopes for more: nothing comes after it, so its maximum is replaced by 0.",
        partial(_lived, end=False),
        "The discount gamma has no effect: multiply the best value of the next tile by it.",
        lambda Q, e, al, ga: _lived(Q, e, al, 1.0),
        "The learning rate alpha has no effect: move a part alpha of the way.",
        lambda Q, e, al, ga: _lived(Q, e, 1.0, ga),
        "alpha and gamma are exchanged.",
        lambda Q, e, al, ga: _lived(Q, e, ga, al),
        "The old value is not subtracted: alpha multiplies the difference between the target and the old value.",
        lambda Q, e, al, ga: _lived(Q, e, al, ga, rule=lambda q, r, hope: q + al * (r + ga * hope)),
        "The old value is forgotten: a share 1 - alpha of it stays, beside alpha times r + gamma max Q.",
        lambda Q, e, al, ga: _lived(Q, e, al, ga, rule=lambda q, r, hope: al * (r + ga * hope - q)),
        lambda Q, e, al, ga: _lived(Q, e, al, ga, rule=lambda q, r, hope: al * (r + ga * hope)),
        "The sign is wrong: the value moves away from r + gamma max Q.",
        lambda Q, e, al, ga: _lived(Q, e, al, ga, rule=lambda q, r, hope: q - al * (r + ga * hope - q)),
        "You mix the two with the wrong shares: alpha belongs to what is new, 1 - alpha to the old value.",
        lambda Q, e, al, ga: _lived(Q, e, al, ga, rule=lambda q, r, hope: al * q + (1 - al) * (r + ga * hope)),
        lambda Q, e, al, ga: _lived(Q, e, al, ga, rule=lambda q, r, hope: (1 - al) * (q + r + ga * hope)),
        "Parentheses are missing: alpha multiplies reward, hope and old value together, gamma the hope alone.",
        *(
            lambda Q, e, al, ga, rule=rule: _lived(Q, e, al, ga, rule=lambda q, r, hope: rule(q, r, hope, al, ga))
            for rule in (
                lambda q, r, hope, al, ga: q + al * (ga * (r + hope) - q),
                lambda q, r, hope, al, ga: al * r + ga * hope,
                lambda q, r, hope, al, ga: q + al * r + ga * hope - q * al,
                lambda q, r, hope, al, ga: q + al * (r + ga * (hope - q)),
                lambda q, r, hope, al, ga: q + al * r + ga * hope,
            )
        ),
        "The reward is missing from the target.",
        lambda Q, e, al, ga: _lived(Q, e, al, ga, rule=lambda q, r, hope: q + al * (ga * hope - q)),
        "You do not take the largest value of the next tile, but its mean, its smallest, or the place of the largest.",
        *each(_lived, best=(torch.mean, torch.min, torch.argmax, torch.sum)),
        "The maximum is not that of the next tile: it is the largest value in row s_next of the table.",
        *each(_lived, hope_of=(lambda Q, s, a, after: Q, lambda Q, s, a, after: Q[s], lambda Q, s, a, after: Q[:, a])),
        "You take the value of an action, the same one or the one taken next; take the best action's, the maximum.",
        _next_action,
        partial(_lived, hope_of=lambda Q, s, a, after: Q[after, a]),
        "You go through the episode backward; update in the order of the steps.",
        partial(_lived, order=-1),
        "The old table is read where updates have been made: each one must see those before it.",
        partial(_lived, frozen=True),
        partial(_lived, frozen=None),
        "Not all steps are learned from: update after every step, the first and the last as well.",
        lambda Q, e, al, ga: _lived(Q, e[-1:], al, ga),
        lambda Q, e, al, ga: _lived(Q, e[:1], al, ga, end=False),
        lambda Q, e, al, ga: _lived(Q, e[:1], al, ga),
        lambda Q, e, al, ga: _lived(Q, e[:-1], al, ga, end=False),
        lambda Q, e, al, ga: _lived(Q, e[:-1], al, ga),
        "Steps are treated as the last that are not: only there is the maximum replaced by 0.",
        partial(_lived, best=lambda row: 0.0),
        lambda Q, e, al, ga: _lived(Q, e, al, ga, last=lambda step: step[3] == e[-1][3]),
        "gamma grows or shrinks from step to step; each update multiplies by gamma once.",
        *each(_lived, powers=(0, 1)),
        "You write into the row of the next tile; the value of tile s and action a is updated.",
        partial(_lived, into=3),
    ],
)
def replay(Q, episode, alpha, gamma):
    """Exercise 5: Q-learning over one episode. The function returns (S, A)."""
    table = Q.numpy().copy()
    for k, (s, a, r, after) in enumerate(episode, start=1):
        target = r + gamma * np.max(table[after]) * (k < len(episode))
        table[s, a] = (1 - alpha) * table[s, a] + alpha * target
    return torch.from_numpy(table)
