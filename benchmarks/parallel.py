"""One training on one thread, on two threads, and in two processes that share its batches.

    python benchmarks/parallel.py                     # a convolutional network on MNIST
    python benchmarks/parallel.py --ranks 4 --threads 4 --images 20000

Prints the seconds of each, whole and of its epochs alone (without starting processes, reading data
and testing), and their ratios to those of one thread; and how far the weights of each lie from
those of one thread, which are the same but for rounding. For a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import time

import spikelearn as sl
from spikelearn._provenance import as_lines, provenance


def timed(config: sl.TrainConfig, ranks: int, threads: int) -> tuple[float, float, sl.TrainedRun]:
    """Seconds of a training, seconds of its epochs, and the run."""
    marks: list[float] = []

    def mark(epoch: int, rule: object, accuracy: float) -> None:
        marks.append(time.perf_counter())

    started = time.perf_counter()
    run = sl.train(config, after_epoch=mark, ranks=ranks, threads=threads)
    whole = time.perf_counter() - started
    # The first epoch is after what is done before it; the others follow one another.
    return whole, (marks[-1] - marks[1]) / (len(marks) - 2) * (len(marks) - 1), run


def apart(run: sl.TrainedRun, other: sl.TrainedRun) -> float:
    """Largest distance of two runs' weights, in units of the largest weight of a layer."""
    pairs = zip(run.rule.network.weights(), other.rule.network.weights(), strict=True)
    return max(float((a - b).detach().abs().max() / a.detach().abs().max()) for a, b in pairs)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--model", default="cnn_28")
    parser.add_argument("--rule", default="backprop")
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--images", type=int, default=12000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    if given.epochs < 2:
        parser.error("give at least 2 epochs: the first is told apart from the rest")
    config = sl.TrainConfig(
        model=given.model, rule=given.rule, dataset=given.dataset, n_train=given.images,
        epochs=given.epochs, batch_size=given.batch_size,
    )  # fmt: skip
    print(f"{given.model} by {given.rule}, {given.images} images of {given.dataset},"
          f" {given.epochs} epochs, batches of {given.batch_size}")  # fmt: skip
    sl.train(config.changed({"n_train": 1000, "epochs": 1}))  # imported and read
    first: tuple[float, float, sl.TrainedRun] | None = None
    for words, ranks, threads in (
        ("one thread", 1, 1),
        (f"{given.threads} threads", 1, given.threads),
        (f"{given.ranks} processes", given.ranks, 1),
    ):
        found = timed(config, ranks, threads)
        first = first or found
        whole, epochs, run = found
        print(f"{words}: {whole:.1f} s ({whole / first[0]:.2f}), epochs {epochs:.1f} s"
              f" ({epochs / first[1]:.2f}); test accuracy {run.summary['test_accuracy']:.4f},"
              f" weights apart by {apart(first[2], run):.1e}", flush=True)  # fmt: skip
    print("\n".join(as_lines(provenance())))


if __name__ == "__main__":
    main()
