"""Trains the embedded detector on the synthetic scene and writes it as ONNX.

    npm run build
    python3 -m venv TRAIN && TRAIN/bin/pip install -r scripts/detector/requirements.txt
    TRAIN/bin/python scripts/detector/train.py --out worker/models/synthetic.onnx

About an hour on two cores: two processes of one thread each, which render their own data (seeds from
FIRST_SEED on; everything below stays unseen) and average their gradients. First on crops, which cost a
quarter of a frame, then a little on whole frames: crops alone invent boxes.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from export import export
from loss import DetectionLoss
from network import Detector
from samples import HEIGHT, WIDTH, Crops, Frames
from torch import nn

FIRST_SEED = 1_000_000
PROCESSES = 2
WEIGHT_DECAY = 0.02
EMA = 0.998
CLIP = 10.0
# Takes half the time of float32 where the processor has it, and far longer where it has not.
HALF = torch.cpu._is_avx512_bf16_supported()


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the training; `batch` images a step in each process."""

    name: str
    width: int
    height: int
    batch: int
    per_frame: int
    steps: int
    rate: float
    warm_up: int


def phases(scale: float) -> tuple[Phase, ...]:
    return (
        Phase("crops", 320, 256, 8, 2, round(12_000 * scale), 2.5e-3, 150),
        Phase("frames", WIDTH, HEIGHT, 2, 1, round(2_000 * scale), 5e-4, 20),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="the ONNX file to write")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the steps, for a quick try")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        mp.start_processes(
            train,
            (f"file://{scratch}/rendezvous", options.out, options.scale),
            PROCESSES,
            start_method="spawn",
        )


def train(rank: int, rendezvous: str, out: Path, scale: float) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    dist.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=PROCESSES)
    network = Detector().to(memory_format=torch.channels_last)
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(EMA), use_buffers=True
    )
    frames = Frames(FIRST_SEED + rank, PROCESSES)
    for phase in phases(scale):
        run_phase(
            phase,
            network,
            average,
            Crops(frames, Random(rank), phase.width, phase.height),
            rank=rank,
            out=out,
        )
    frames.close()
    if rank == 0:
        parameters = sum(each.numel() for each in network.parameters())
        print(f"{parameters} parameters", flush=True)
        export(average.module, out)
    dist.destroy_process_group()


def run_phase(
    phase: Phase, network: Detector, average: nn.Module, crops: Crops, *, rank: int, out: Path
) -> None:
    loss_of = DetectionLoss(phase.height, phase.width)
    optimizer = optimizer_for(network, phase.rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate_of(phase))
    network.train()
    begun, mean = time.monotonic(), None
    for step in range(phase.steps):
        pixels, objects = crops.batch(phase.batch, phase.per_frame)
        with torch.autocast("cpu", torch.bfloat16, enabled=HALF):
            rows = network(pixels.contiguous(memory_format=torch.channels_last))
        loss = loss_of(rows.float(), objects)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        average_gradients(network)
        nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimizer.step()
        schedule.step()
        average.update_parameters(network)
        mean = loss.item() if mean is None else mean * 0.98 + loss.item() * 0.02
        if rank == 0 and (step + 1) % 100 == 0:
            spent = time.monotonic() - begun
            left = spent / (step + 1) * (phase.steps - step - 1)
            print(
                f"{phase.name} {step + 1} of {phase.steps}: loss {mean:.3f}, {left / 60:.0f} min left",
                flush=True,
            )
        if rank == 0 and (step + 1) % 1000 == 0:
            torch.save(average.module.state_dict(), out.with_suffix(".pt"))


def optimizer_for(network: Detector, rate: float) -> torch.optim.Optimizer:
    matrices = [each for each in network.parameters() if each.ndim > 1]
    others = [each for each in network.parameters() if each.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.99))


def rate_of(phase: Phase) -> Callable[[int], float]:
    """A linear warm-up, then a cosine down to 2 %."""

    def factor(step: int) -> float:
        if step < phase.warm_up:
            return (step + 1) / phase.warm_up
        done = (step - phase.warm_up) / max(1, phase.steps - phase.warm_up)
        return 0.02 + 0.98 * (1 + math.cos(math.pi * done)) / 2

    return factor


def average_gradients(network: nn.Module) -> None:
    gradients = [each.grad for each in network.parameters() if each.grad is not None]
    flat = torch.cat([each.flatten() for each in gradients])
    dist.all_reduce(flat)
    flat /= PROCESSES
    at = 0
    for gradient in gradients:
        gradient.copy_(flat[at : at + gradient.numel()].view_as(gradient))
        at += gradient.numel()


if __name__ == "__main__":
    main()
