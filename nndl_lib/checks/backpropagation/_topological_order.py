"""Exercise 4: a topological order."""

import heapq
from collections import deque
from functools import partial

from nndl_lib.checks import Case, exercise

CHAIN = 4_000  # nodes: Python stops a function that calls itself after 1000 calls, some notebooks after 3000


def _chain(n):
    return ({f"v{k}": [f"v{k - 1}"] if k else [] for k in reversed(range(n))},)


def _longer_chains():
    """A table of children needs some ten lines a node."""
    search = "it searches the whole graph for every node: make a table of the children of each node first."
    return [("nodes", _chain(20), _chain(200), 40 * 180, search)]


def _cases():
    """The argument parents."""
    yield Case(({"a": []},), "one node")
    yield Case(({"L": ["y"], "y": []},), "the child listed first")
    yield Case(({"y": ["w"], "w": [], "x": []},), "a node that nothing uses")
    yield Case(
        ({"s": ["a", "a"], "a": [], "L": ["s"]},),
        "a parent used twice",
        "A parent that is used twice, as in a * a, goes wrong: these are two arrows, to count and to take off.",
    )
    yield Case(({"L": ["y", "r"], "r": ["w"], "y": ["z"], "z": ["w", "x"], "x": [], "w": []},), "fan-out")
    yield Case(({"f": ["x", "g"], "g": ["x"], "x": []},), "a short and a long path")
    yield Case(({"e": ["d", "a"], "d": ["c"], "c": ["b"], "b": ["a"], "a": []},), "a short and a long path")
    yield Case(({"L": ["p", "q"], "q": ["h"], "p": ["k"], "k": ["b", "a"], "h": ["a"], "b": [], "a": []},))
    yield Case(
        ({"m": ["k", "j"], "n": ["i", "j"], "j": ["i"], "k": ["h"], "i": [], "h": [], "o": ["n", "m", "n"]},),
        "a parent used twice",
        "A parent that is used twice, as in a * a, goes wrong: these are two arrows, to count and to take off.",
    )
    yield Case(
        _chain(CHAIN),
        f"a chain of {CHAIN:,} nodes",
        "A long chain goes wrong: a function that calls itself for each parent is stopped "
        "by Python after a thousand calls. Keep a list of nodes instead.",
    )


def _arrows(parents):
    children = {node: [] for node in parents}
    for node, those in parents.items():
        for parent in those:
            children[parent].append(node)
    return children


def _kahn(parents, *, take="first", need="all", join="last", turn=lambda those: those, start=lambda those: those):
    """First come, first served, with its rules as options, to make mistakes with."""
    children, waiting = _arrows(parents), {node: len(those) for node, those in parents.items()}
    ready, order, seen = deque(start([node for node in parents if not parents[node]])), [], set()
    while ready:
        node = ready.popleft() if take == "first" else ready.pop()
        order.append(node)
        for child in turn(children[node]):
            waiting[child] -= 1
            if waiting[child] == 0 if need != "one" else child not in seen:
                (ready.append if join == "last" else ready.appendleft)(child)
                seen.add(child)
    return order


def _by_name(parents):
    children, waiting = _arrows(parents), {node: len(those) for node, those in parents.items()}
    ready, order = sorted(node for node in parents if not parents[node]), []
    while ready:
        order.append(heapq.heappop(ready))
        for child in children[order[-1]]:
            waiting[child] -= 1
            if waiting[child] == 0:
                heapq.heappush(ready, child)
    return order


def _depth_first(parents, reverse=False):
    order, done = [], set()
    for start in parents:
        stack = [(start, False)]
        while stack:
            node, finished = stack.pop()
            if finished:
                order.append(node)
            elif node not in done:
                done.add(node)
                stack.append((node, True))
                stack.extend((parent, False) for parent in reversed(parents[node]))
    return order[::-1] if reverse else order


def _rounds(parents):
    """All ready nodes of a round together, in the order of the dictionary."""
    level = {}
    for node in _depth_first(parents):
        level[node] = 1 + max((level[parent] for parent in parents[node]), default=-1)
    place = {node: k for k, node in enumerate(parents)}
    return sorted(parents, key=lambda node: (level[node], place[node]))


@exercise(
    returns=("order",),
    cases=_cases,
    loops=_longer_chains,
    mistakes=[
        "The order is the wrong way round, in reverse: parents come before their children.",
        lambda parents: _kahn(parents)[::-1],
        "Children join the line in another order: that of the dictionary, for each node that is taken.",
        partial(_kahn, turn=lambda those: those[::-1]),
        partial(_kahn, turn=sorted),
        "The line begins in another order: with the nodes without parents as they stand in the dictionary.",
        partial(_kahn, start=lambda those: those[::-1]),
        partial(_kahn, start=sorted),
        "Which node is taken hangs on its name; take the one at the front of the line, first come, first served.",
        _by_name,
        "It is a topological order, but that of a walk into the depth: take the ready nodes first come, first served.",
        _depth_first,
        "It is the order of a walk into the depth, the wrong way round: parents come first.",
        partial(_depth_first, reverse=True),
        "It takes the ready node that came last, as from a stack; take the one that came first.",
        partial(_kahn, take="last"),
        partial(_kahn, join="first"),
        "A child comes when its first parent is taken; it is ready only when all of them are.",
        partial(_kahn, need="one"),
        "You sort each round in the order of the dictionary; a node joins the line when its last parent is taken.",
        _rounds,
        "The nodes without parents are missing: inputs and parameters belong to the order, too.",
        lambda parents: [node for node in _kahn(parents) if parents[node]],
        "Only the nodes without parents are there: when one is taken, look which children become ready.",
        lambda parents: [node for node in parents if not parents[node]],
        "It is the order in which the nodes stand in the dictionary.",
        lambda parents: list(parents),
        "It is the dictionary's order the wrong way round; that is topological only by luck.",
        lambda parents: list(parents)[::-1],
        "It sorts the names; the arrows decide, not the alphabet.",
        lambda parents: sorted(parents),
        "It sorts by the number of parents; a node with one parent may come late.",
        lambda parents: sorted(parents, key=lambda node: len(parents[node])),
        "It returns pairs of node and parents; return the nodes alone.",
        lambda parents: [(node, parents[node]) for node in _kahn(parents)],
    ],
)
def topological_order(parents):
    """Exercise 4: parents before children, first come, first served. The function returns a list of the nodes."""
    children = _arrows(parents)
    missing = {node: len(those) for node, those in parents.items()}
    order = [node for node, count in missing.items() if count == 0]
    for node in order:  # it grows while we walk along it
        for child in children[node]:
            missing[child] -= 1
            if missing[child] == 0:
                order.append(child)
    return order
