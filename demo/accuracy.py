#!/usr/bin/env python3
"""Says how many of the digits the scores in an npz get right; exit status 1 below 95 %.

accuracy.py SCORES.npz LABELS.npz
"""

import sys

import numpy as np

REQUIRED = 0.95


def main() -> int:
    scores_file, labels_file = sys.argv[1:]
    with np.load(scores_file) as outputs:
        (scores,) = (outputs[name] for name in outputs.files)
    with np.load(labels_file) as arrays:
        labels = arrays["labels"]
    right = int((scores.argmax(axis=1) == labels).sum())
    print(f"accuracy on {len(labels)} test images: {right / len(labels):.1%} ({right} right)")
    return 0 if right >= REQUIRED * len(labels) else 1


if __name__ == "__main__":
    sys.exit(main())
