"""nndl_lib.data._loader: every row once an epoch, the shares of processes, and going on in the middle of an epoch."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nndl_lib.data import TensorLoader

# The same examples on every run; no file of past failures.
checks = settings(derandomize=True, deadline=None, max_examples=40, database=None)
seeds = st.integers(0, 2**32 - 1)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def rows_of(loader):
    """An epoch of a loader of row numbers: a list of lists."""
    return [rows.tolist() for rows, _ in loader]


def made(N, batch_size, seed=None, **options):
    X = torch.arange(N)
    return TensorLoader(X, 10 * X, batch_size=batch_size, generator=None if seed is None else rng(seed), **options)


@checks
@given(N=st.integers(1, 30), batch_size=st.integers(1, 12), seed=seeds)
def test_every_row_once_an_epoch(N, batch_size, seed):
    loader = made(N, batch_size, seed)
    for epoch in range(2):
        assert loader.epoch == epoch
        batches = list(loader)
        assert len(batches) == len(loader)
        assert all(torch.equal(t, 10 * x) for x, t in batches)
        sizes = [len(x) for x, _ in batches]
        assert sizes[:-1] == [batch_size] * (len(sizes) - 1) and 1 <= sizes[-1] <= batch_size
        assert sorted(torch.cat([x for x, _ in batches]).tolist()) == list(range(N))
    assert sum(rows_of(made(N, batch_size)), []) == list(range(N))
    oracle = torch.randperm(N, generator=rng(seed)).split(batch_size)  # as training.minibatches
    assert rows_of(made(N, batch_size, seed)) == [rows.tolist() for rows in oracle]


def test_epochs_differ_and_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    loader = made(50, 50, 0)
    assert rows_of(loader) != rows_of(loader)
    assert torch.equal(torch.get_rng_state(), before)


def test_in_order_minibatches_are_slices():
    X = torch.randn(7, 3)
    loader = TensorLoader(X, batch_size=3)
    assert [x.data_ptr() for (x,) in loader] == [X[0].data_ptr(), X[3].data_ptr(), X[6].data_ptr()]
    assert loader.tensors[0] is X and loader.N == 7


def test_drop_last():
    for seed in (None, 0):
        assert [len(rows) for rows in rows_of(made(10, 4, seed, drop_last=True))] == [4, 4]
        assert [len(rows) for rows in rows_of(made(8, 4, seed, drop_last=True))] == [4, 4]
    assert len(made(10, 4, drop_last=True)) == 2


def test_transform_and_device():
    loader = TensorLoader(torch.ones(4, 2), torch.zeros(4), batch_size=2, transform=lambda x: 3 * x, device="cpu")
    assert all(x.eq(3).all() and x.shape == (2, 2) and t.eq(0).all() for x, t in loader)


@checks
@given(
    N=st.integers(4, 40),
    share=st.integers(1, 5),
    world=st.integers(1, 4),
    drop=st.booleans(),
    even=st.booleans(),
    seed=st.none() | seeds,
)
def test_processes_share_the_minibatches_of_one(N, share, world, drop, even, seed):
    size = share * world
    options = {"drop_last": drop and N >= size, "even": even}
    alone = rows_of(made(N, size, seed, drop_last=options["drop_last"]))
    loaders = [made(N, size, seed, rank=r, world_size=world, **options) for r in range(world)]
    shares = [rows_of(loader) for loader in loaders]
    assert [len(share) for share in shares] == [len(loader) for loader in loaders]
    assert all(rows for share in shares for rows in share)  # no minibatch is empty
    if even:
        assert len({len(share) for share in shares}) == 1
        assert all(len({len(rows) for rows in batch}) == 1 for batch in zip(*shares))
    for k, expected in enumerate(alone):
        expected = expected[: len(expected) // world * world] if even else expected
        for r in range(world):
            assert (shares[r][k] if k < len(shares[r]) else []) == expected[r::world]


@checks
@given(N=st.integers(1, 20), batch_size=st.integers(1, 6), done=st.integers(0, 60), seed=st.none() | seeds)
def test_goes_on_where_it_was_saved(N, batch_size, done, seed):
    one = made(N, batch_size, seed)
    steps = len(one)
    done %= 3 * steps
    expected = [(x.tolist(), one.epoch) for _ in range(4) for x, _ in one]
    one, state = made(N, batch_size, seed), None
    found = []
    for _ in range(4):
        if state is not None:
            break
        for x, _ in one:
            found.append((x.tolist(), one.epoch))
            if len(found) == done:
                state = one.state_dict()
                break
    if done == 0:
        state, found = made(N, batch_size, seed).state_dict(), []
    other = made(N, batch_size, None if seed is None else seed // 2 + 1)  # a generator in another state
    list(other)
    other.load_state_dict(state)
    while len(found) < len(expected):
        found += [(x.tolist(), other.epoch) for x, _ in other]
    assert found == expected


def test_state_at_the_end_of_an_epoch():
    loader = made(6, 4, 0)
    iterator = iter(loader)
    next(iterator), next(iterator)
    last = loader.state_dict()
    assert (last["epoch"], last["batch"]) == (0, 2)
    assert list(iterator) == []
    over = loader.state_dict()
    assert (over["epoch"], over["batch"]) == (1, 0)
    following = rows_of(loader)
    again = made(6, 4, 5)
    again.load_state_dict(last)
    assert rows_of(again) == [] and again.epoch == 1  # nothing is left of that epoch
    assert rows_of(again) == following
    again.load_state_dict(over)
    assert rows_of(again) == following
    state = again.state_dict()
    state["generator"].zero_()  # a copy
    assert again.state_dict()["generator"].any()


def test_a_loop_broken_off_starts_a_new_epoch():
    loader = made(40, 5, 0)
    first = next(iter(loader))[0].tolist()
    assert next(iter(loader))[0].tolist() != first
    assert loader.epoch == 0 and loader.state_dict()["batch"] == 1
    loader.load_state_dict(loader.state_dict())
    rest = [len(rows) for rows in rows_of(loader)]
    assert len(rest) == 7 and loader.epoch == 1
    loader = made(40, 5)
    next(iter(loader))
    loader.load_state_dict(loader.state_dict())
    assert [next(iter(loader))[0][0].item() for _ in range(3)] == [5, 0, 0]  # the state is used once


def test_a_generator_used_between_epochs_and_a_loader_broken_off():
    one, other = made(20, 3, 0), made(20, 3, 5)
    for batches in range(4):
        for _ in zip(range(batches), one):
            pass
        torch.rand(5, generator=one.generator)  # by somebody else, before the next epoch
        if batches == 0:
            state = one.state_dict()
            assert (state["batch"], state["epoch"]) == (0, 0)
    other.load_state_dict(state)
    assert rows_of(other) != rows_of(one)
    rows_of(one)
    torch.rand(5, generator=one.generator)
    state = one.state_dict()
    expected = rows_of(one)
    other.load_state_dict(state)
    assert rows_of(other) == expected


def test_two_loops_at_once():
    alone = made(10, 3)
    assert [(x.tolist(), y.tolist()) for x, _ in alone for y, _ in alone] == [
        (x, y) for x in rows_of(made(10, 3)) for y in rows_of(made(10, 3))
    ]  # in order they do not disturb each other
    loader = made(10, 3, 0)
    with pytest.raises(
        ValueError, match="^TensorLoader: another loop over it began in this one; expected a loader for each"
    ):
        for _ in loader:
            rows_of(loader)
    assert sorted(sum(rows_of(loader), [])) == list(range(10))


def test_settings_of_numpy():
    numbers = {"rank": np.int64(1), "world_size": np.int8(2), "drop_last": np.bool_(True), "even": np.bool_(False)}
    loader = TensorLoader(torch.arange(10), torch.arange(10), batch_size=np.int64(4), **numbers)
    assert rows_of(loader) == rows_of(made(10, 4, rank=1, world_size=2, drop_last=True, even=False))
    assert type(loader.state_dict()["batch_size"]) is int and loader.drop_last is True


@pytest.mark.parametrize(
    "message, call",
    [
        ("the tensors have shapes []; expected at least one", lambda: TensorLoader(batch_size=1)),
        (
            "the tensors have shapes [(2, 1), (3,)]; expected at least one, with the same number of rows, at least 1",
            lambda: TensorLoader(torch.ones(2, 1), torch.ones(3), batch_size=1),
        ),
        ("the tensors have shapes [()]", lambda: TensorLoader(torch.ones(()), batch_size=1)),
        ("the tensors have shapes [(0, 2)]", lambda: TensorLoader(torch.ones(0, 2), batch_size=1)),
        ("batch_size is 0; expected an integer of at least 1", lambda: made(4, 0)),
        ("world_size is 0; expected an integer of at least 1", lambda: made(4, 2, world_size=0)),
        ("rank is -1; expected an integer of at least 0", lambda: made(4, 2, rank=-1)),
        ("rank is 2; expected 0 to 1, of 2", lambda: made(4, 2, rank=2, world_size=2)),
        ("batch_size is 3 and world_size 2; expected a multiple of it", lambda: made(4, 3, world_size=2)),
        ("4 rows make no minibatch of 5 with drop_last=True, world_size=1", lambda: made(4, 5, drop_last=True)),
        ("1 rows make no minibatch of 2 with drop_last=False, world_size=2", lambda: made(1, 2, world_size=2)),
        ("tensors[1] is a list; expected a tensor", lambda: TensorLoader(torch.ones(2), [1, 2], batch_size=1)),
        (
            "generator is 0; expected a torch.Generator, or None",
            lambda: TensorLoader(torch.ones(2), batch_size=1, generator=0),
        ),
        (
            "transform gave a NoneType; expected a tensor",
            lambda: next(iter(TensorLoader(torch.ones(2), batch_size=1, transform=lambda x: None))),
        ),
        (
            "transform gave (3,) for 2 rows; expected as many rows",
            lambda: next(iter(TensorLoader(torch.ones(4), batch_size=2, transform=lambda x: torch.ones(3)))),
        ),
        ("transform is 2.0; expected a function", lambda: made(4, 2, transform=2.0)),
        ("drop_last is 'False'; expected True or False", lambda: made(4, 2, drop_last="False")),
        ("even is 0; expected True or False", lambda: made(4, 2, even=0)),
        ("batch_size is 2.0; expected an integer of at least 1", lambda: made(4, 2.0)),
        (
            "state_dict has drop_last True; expected False",
            lambda: made(4, 2).load_state_dict(made(4, 2, drop_last=True).state_dict()),
        ),
        (
            "state_dict has batch 3; expected 0 to 2",
            lambda: made(4, 2).load_state_dict(made(4, 2).state_dict() | {"batch": 3}),
        ),
        ("state_dict has N 5; expected 4", lambda: made(4, 2).load_state_dict(made(5, 2).state_dict())),
        ("state_dict has batch_size 3; expected 2", lambda: made(4, 2).load_state_dict(made(4, 3).state_dict())),
        (
            "state_dict is that of a loader without a generator; expected one with a generator",
            lambda: made(4, 2, 0).load_state_dict(made(4, 2).state_dict()),
        ),
        (
            "state_dict is that of a loader with a generator; expected one without a generator",
            lambda: made(4, 2).load_state_dict(made(4, 2, 0).state_dict()),
        ),
    ],
)
def test_what_is_refused(message, call):
    with pytest.raises(ValueError, match=re.escape(f"TensorLoader: {message}")):
        call()
