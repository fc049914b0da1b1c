"""What the benchmarks share: interleaved repeats, the median of ratios, and a line about the machine."""

import os
import platform
import statistics
import time
from collections.abc import Callable

import torch


def machine() -> str:
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, "
        f"torch {torch.__version__}, Python {platform.python_version()}"
    )


def compare(
    ours: Callable[[], object], torchs: Callable[[], object], seconds: float = 1.0
) -> tuple[float, float, float]:
    """Median time of each in microseconds, and the median of the ratios of neighbors in time, ours to torch's."""
    for _ in range(10):
        ours(), torchs()
    times, stop = [], time.perf_counter() + seconds
    while time.perf_counter() < stop or len(times) < 20:
        start = time.perf_counter()
        ours()
        middle = time.perf_counter()
        torchs()
        times.append((middle - start, time.perf_counter() - middle))
    medians = [1e6 * statistics.median(column) for column in zip(*times)]
    return *medians, statistics.median(one / other for one, other in times)


def table(rows: list[tuple[str, tuple[float, float, float]]]) -> None:
    print(machine())
    print(f"{'':52}{'ours, us':>10}{'torch, us':>11}{'ratio':>8}")
    for name, (ours, torchs, ratio) in rows:
        print(f"{name:52}{ours:10.0f}{torchs:11.0f}{ratio:8.2f}")
