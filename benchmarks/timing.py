"""What the benchmarks share: interleaved repeats, the median of ratios, the device, and a line about the machine."""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable

import torch


def device_of(description: str) -> torch.device:
    """What ``--device`` says; the CPU without it. On a GPU, float32 is not TF32, so that both can be equal."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("--device", default="cpu", help="cpu, cuda, or cuda:<index>")
    device = torch.device(parser.parse_known_args()[0].device)
    torch.backends.cudnn.allow_tf32 = False
    return device


def machine(device: torch.device | None = None) -> str:
    name = f"{torch.cuda.get_device_name(device)}, " if device is not None and device.type == "cuda" else ""
    return (
        f"{name}{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, "
        f"torch {torch.__version__}, Python {platform.python_version()}"
    )


def finished(device: torch.device | None) -> float:
    """The time at which all that the device was given is done."""
    if device is not None and device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def compare(
    ours: Callable[[], object], torchs: Callable[[], object], seconds: float = 1.0, device: torch.device | None = None
) -> tuple[float, float, float]:
    """Median time of each in microseconds, and the median of the ratios of neighbors in time, ours to torch's."""
    for _ in range(10):
        ours(), torchs()
    times, stop = [], finished(device) + seconds
    while time.perf_counter() < stop or len(times) < 20:
        start = finished(device)
        ours()
        middle = finished(device)
        torchs()
        times.append((middle - start, finished(device) - middle))
    medians = [1e6 * statistics.median(column) for column in zip(*times)]
    return *medians, statistics.median(one / other for one, other in times)


def table(rows: list[tuple[str, tuple[float, float, float]]], device: torch.device | None = None) -> None:
    print(machine(device))
    print(f"{'':52}{'ours, us':>10}{'torch, us':>11}{'ratio':>8}")
    for name, (ours, torchs, ratio) in rows:
        print(f"{name:52}{ours:10.0f}{torchs:11.0f}{ratio:8.2f}")
