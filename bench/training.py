#!/usr/bin/env python3
"""Training steps of ResNet-20 (CIFAR-10) in edgeopt and in PyTorch, in turn, on one machine, in one run.

  cmake --build build/release --target edgeopt_bench
  python3 bench/training.py MODEL [--program FILE] [--batch N] [--shard N] [--threads N] [--seconds S] [--rounds N]

MODEL is a ResNet-20 as ONNX; both sides train its convolutions with biases (BatchNormalization folded, as edgeopt does),
forward, backward, all gradients of weights, and the update of SGD. Needs PyTorch (Debian: python3-torch).
"""
import argparse
import json
import statistics
import subprocess
import time

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.stride, self.padding = stride, (outputs - inputs) // 2

    def forward(self, x):
        y = self.second(F.relu(self.first(x)))
        if self.stride > 1:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.padding, self.padding))
        return F.relu(x + y)


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, 1, 1)
        widths = [16] * 3 + [32] * 3 + [64] * 3
        self.blocks = nn.Sequential(*[
            Block(before, width, 2 if before != width else 1) for before, width in zip([16] + widths, widths)])
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(self.blocks(F.relu(self.stem(x))).mean((2, 3)))


def torch_rates(options, is_channels_last):
    torch.set_num_threads(options.threads)
    layout = torch.channels_last if is_channels_last else torch.contiguous_format
    model = ResNet20().to(memory_format=layout)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    x = torch.randn(options.batch, 3, 32, 32).to(memory_format=layout)
    target = torch.randint(0, 10, (options.batch,))

    def step():
        optimizer.zero_grad()
        F.cross_entropy(model(x), target).backward()
        optimizer.step()

    step()
    start, processor, count, fastest = time.perf_counter(), time.process_time(), 0, float('inf')
    while time.perf_counter() - start < options.seconds:
        begin = time.perf_counter()
        step()
        fastest = min(fastest, time.perf_counter() - begin)
        count += options.batch
    return {'samples_per_second': count / (time.perf_counter() - start), 'of_fastest_step': options.batch / fastest,
            'per_processor_second': count / (time.process_time() - processor)}


def edgeopt_rates(options):
    words = [options.program, options.model, '--batch', options.batch, '--shard', options.shard, '--threads', options.threads,
             '--seconds', options.seconds]
    return json.loads(subprocess.run(map(str, words), check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('model')
    parser.add_argument('--program', default='build/release/edgeopt_bench')
    parser.add_argument('--batch', type=int, default=64)
    parser.add_argument('--shard', type=int, default=16)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--seconds', type=float, default=5)
    parser.add_argument('--rounds', type=int, default=3)
    options = parser.parse_args()
    rounds = {'edgeopt': [], 'PyTorch': [], 'PyTorch, channels last': []}
    for _ in range(options.rounds):
        rounds['edgeopt'].append(edgeopt_rates(options))
        rounds['PyTorch'].append(torch_rates(options, False))
        rounds['PyTorch, channels last'].append(torch_rates(options, True))
    for name, rates in rounds.items():
        print(f'{name:24}' + '  '.join(f'{key} {statistics.median(rate[key] for rate in rates):.0f}'
                                       for key in ('samples_per_second', 'of_fastest_step', 'per_processor_second')))


if __name__ == '__main__':
    main()
