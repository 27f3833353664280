"""Whether two sets of draws of a random tensor are of one distribution: shape, dtype, mean, variance, and the distance of
Kolmogorov and Smirnov. Each limit is what chance alone exceeds once in a hundred million comparisons or less.
"""

from __future__ import annotations

import ml_dtypes
import numpy

KS_LIMIT = 3.1  # of the distance, times the root of half the number of draws: 2 exp(-2 * 3.1 ** 2) is 1e-8
ERRORS = 6  # standard errors that means may differ by
ROUNDING = 100  # units in the last place that rounding may move a number by; of types of 16 bits one
MOST_ELEMENTS = 64  # each held against its own draws; of larger tensors, evenly spread ones


def rounding(dtype: numpy.dtype) -> float:
    """The share of a number that it may be off by."""
    if dtype.kind in "iub":
        return 0
    return float(ml_dtypes.finfo(dtype).eps) * (ROUNDING if dtype.itemsize >= 4 else 1)


def distance(one: numpy.ndarray, other: numpy.ndarray, share: float) -> float:
    """The largest difference of the two sets' distribution functions, where numbers may be off by this share."""
    values = numpy.concatenate([one, other])
    slack = share * (numpy.abs(values) + numpy.median(numpy.abs(values)))
    ones, others = numpy.sort(one), numpy.sort(other)
    largest = 0.0
    for low, high in ((ones, others), (others, ones)):
        below = numpy.searchsorted(low, values - slack, side="right") / len(low)
        above = numpy.searchsorted(high, values + slack, side="right") / len(high)
        largest = max(largest, float((below - above).max(initial=0)))
    return largest


def moments_differ(got: numpy.ndarray, want: numpy.ndarray, share: float) -> str:
    """Means and variances, where the samples' own fourth moments say how far chance takes them: heavy tails do not."""
    slack = share * abs(want.mean())
    squares = [(draws - draws.mean()) ** 2 for draws in (got, want)]
    for name, one, other, rounded in (
        ("mean", got, want, slack),
        ("variance", *squares, slack * (slack + 2 * want.std())),
    ):
        error = numpy.sqrt((one.var() + other.var()) / len(want))
        if abs(one.mean() - other.mean()) > ERRORS * error + rounded:
            return f"its {name} is {one.mean():.4g} instead of {other.mean():.4g}"
    return ""


def draws_differ(got: numpy.ndarray, want: numpy.ndarray) -> str:
    """Empty where the draws of an output, along the first axis, are of one distribution."""
    if got.shape[1:] != want.shape[1:] or got.dtype != want.dtype:
        return f"{got.dtype}{list(got.shape[1:])} instead of {want.dtype}{list(want.shape[1:])}"
    if not want.size:
        return ""
    count, want_dtype = min(len(got), len(want)), want.dtype
    got, want = (a[:count].astype(numpy.float64).reshape(count, -1) for a in (got, want))
    # What is infinite or no number lies beyond all numbers, each in a place of its own.
    got, want = (numpy.nan_to_num(a, nan=3e300, posinf=2e300, neginf=-2e300) for a in (got, want))
    limit, share = KS_LIMIT * numpy.sqrt(2 / count), rounding(want_dtype)
    step = -(-want.shape[1] // MOST_ELEMENTS)
    for element in range(0, want.shape[1], step):
        one, other = got[:, element], want[:, element]
        if (far := distance(one, other, share)) > limit:
            return f"element {element}: its distribution is off by {far:.3g}, allowed {limit:.3g}"
        infinite = max(numpy.abs(one).max(), numpy.abs(other).max()) > 1e300
        if not infinite and (why := moments_differ(one, other, share)):
            return f"element {element}: {why}"
    # Elements of one draw may hang together, so that all of them count no more than one.
    far = distance(got.ravel(), want.ravel(), share)
    return f"the distribution of all is off by {far:.3g}, allowed {limit:.3g}" if far > limit else ""
