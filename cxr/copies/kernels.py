"""Parts of many pictures read and laid over each other, compiled: on all cores, each picture where it lies in memory.

The same in arrays of numpy took twenty times as long, since each step of a small sum went over memory anew.

A place in a picture is its upper left corner and its size, down and across, in shares of the picture's sides.
"""

import numba
import numpy as np

_CLIPPED = 2.5  # of local contrast: a burnt-in letter counts no more than an edge of a bone
_FAINT = 0.1  # of a window's own contrast: what is fainter is noise, and stays faint
_STEPS = 6
_SMALLEST_OVERLAP = 0.5  # of the second picture: a correlation over less may be chance
_FURTHEST = 0.1  # of the second picture, in one step


@numba.njit(nogil=True, fastmath=True, cache=True)
def _weights(start, size, samples, image_size):
    """Which of a row's pixels a sample is the mean of, from where on, and by what share; triangles that reach to the
    next sample. A sample outside the picture has only zeros."""
    reach = max(size / samples, 1 / image_size)
    most = int(2 * reach * image_size) + 2
    first = np.zeros(samples, np.int64)
    shares = np.zeros((samples, most), np.float32)
    inside = np.zeros(samples, np.bool_)
    for i in range(samples):
        centre = start + size * (i + 0.5) / samples
        if centre < 0 or centre > 1:
            continue
        inside[i] = True
        first[i] = max(int(np.ceil((centre - reach) * image_size - 0.5)), 0)
        total = 0.0
        for k in range(min(most, image_size - first[i])):
            shares[i, k] = max(1 - abs(centre - (first[i] + k + 0.5) / image_size) / reach, 0)
            total += shares[i, k]
        for k in range(most):
            shares[i, k] /= max(total, 1e-6)
    return first, shares, inside


@numba.njit(nogil=True, fastmath=True, cache=True)
def _read(picture, start, size, samples):
    """float32[samples, samples] of a place in a picture, and which rows and columns of it are inside."""
    image_size = picture.shape[0]
    top, down, rows = _weights(start[0], size[0], samples, image_size)
    left, across, columns = _weights(start[1], size[1], samples, image_size)
    found = np.zeros((samples, samples), np.float32)
    row = np.empty(image_size, np.float32)
    for i in range(samples):
        if not rows[i]:
            continue
        row[:] = 0
        for k in range(min(down.shape[1], image_size - top[i])):
            share = down[i, k]
            if share > 0:
                for x in range(image_size):
                    row[x] += share * picture[top[i] + k, x]
        for j in range(samples):
            for k in range(min(across.shape[1], image_size - left[j])):
                found[i, j] += across[j, k] * row[left[j] + k]
    return found, rows, columns


@numba.njit(nogil=True, fastmath=True, cache=True)
def _blurred_down(window, reach):
    """The mean of each pixel and those up to `reach` above and below, transposed; at an edge the last pixel goes on."""
    size = window.shape[0]
    total = np.zeros(size)
    found = np.empty((size, size), np.float32)
    for k in range(-reach, reach + 1):
        line = window[min(max(k, 0), size - 1)]
        for j in range(size):
            total[j] += line[j]
    width = 2 * reach + 1
    for i in range(size):
        enters, leaves = window[min(i + reach + 1, size - 1)], window[max(i - reach, 0)]
        for j in range(size):
            found[j, i] = total[j] / width
        for j in range(size):
            total[j] += enters[j] - leaves[j]
    return found


@numba.njit(nogil=True, fastmath=True, cache=True)
def _blurred(window, reach):
    return _blurred_down(_blurred_down(window, reach), reach)


@numba.njit(nogil=True, fastmath=True, cache=True)
def local_contrast(window, reach):
    """float32[n, n]: each pixel against its neighbours, up to `reach` pixels away, in units of their spread.

    What a monotone change of grey levels does is almost gone from it: close by, such a change is a straight line.
    """
    size = window.shape[0]
    blurred = _blurred(window, reach)
    detail = np.empty((size, size), np.float32)
    square = np.empty((size, size), np.float32)
    total = 0.0
    for i in range(size):
        for j in range(size):
            detail[i, j] = window[i, j] - blurred[i, j]
            square[i, j] = detail[i, j] * detail[i, j]
            total += square[i, j]
    faint = np.float32(_FAINT * np.sqrt(total / (size * size)) + 1e-3)
    spread = _blurred(square, reach)
    for i in range(size):
        for j in range(size):
            contrast = detail[i, j] / (np.sqrt(max(spread[i, j], np.float32(0))) + faint)
            detail[i, j] = min(max(contrast, np.float32(-_CLIPPED)), np.float32(_CLIPPED))
    return detail


@numba.njit(nogil=True, fastmath=True, cache=True)
def descriptors(pictures, owners, starts, sizes, samples, reach):
    """float32[m, samples**2] of length 1: the local contrast at m places. pictures: uint8[n, s, s]. owners:
    int64[m], whose places these are. starts, sizes: float64[m, 2]."""
    found = np.empty((owners.shape[0], samples * samples), np.float32)
    for i in range(owners.shape[0]):
        window, _, _ = _read(pictures[owners[i]], starts[i], sizes[i], samples)
        contrast = local_contrast(window, reach)
        middle, length = 0.0, 0.0
        for j in range(samples):
            for k in range(samples):
                middle += contrast[j, k]
                length += contrast[j, k] * contrast[j, k]
        middle /= samples * samples
        length = max(np.sqrt(max(length - samples * samples * middle * middle, 0.0)), 1e-6)
        for j in range(samples):
            for k in range(samples):
                found[i, j * samples + k] = (contrast[j, k] - middle) / length
    return found


@numba.njit(nogil=True, fastmath=True, cache=True)
def laid_over(pictures, firsts, seconds, starts, sizes, samples, reach):
    """Of m pairs, the correlation of what both show, float64[m], and where the second lies on the first, float64[m, 2]
    each. firsts, seconds: int64[m]. starts, sizes: float64[m, 2], where to begin."""
    count = firsts.shape[0]
    found = np.empty(count)
    best_starts = np.empty((count, 2))
    best_sizes = np.empty((count, 2))
    for i in range(count):
        found[i], best_starts[i], best_sizes[i] = _laid_over(
            pictures[firsts[i]], pictures[seconds[i]], starts[i].copy(), sizes[i].copy(), samples, reach
        )
    return found, best_starts, best_sizes


@numba.njit(nogil=True, fastmath=True, cache=True)
def _laid_over(first, second, start, size, samples, reach):
    """Gauss-Newton steps from the place to begin at; the best of all places on the way."""
    window, _, _ = _read(second, np.zeros(2), np.ones(2), samples)
    aim = local_contrast(window, reach)
    slopes = _slopes(aim)
    normal = _normal(slopes)
    best, best_start, best_size = -1.0, start.copy(), size.copy()
    for step in range(_STEPS + 1):
        window, rows, columns = _read(first, start, size, samples)
        seen = local_contrast(window, reach)
        now = _correlation(aim, seen, rows, columns)
        if now > best:
            best, best_start, best_size = now, start.copy(), size.copy()
        if step < _STEPS:
            change = _solved(normal, _errors(slopes, aim, seen, rows, columns))
            for axis in range(2):
                shift = min(max(change[2 * axis], -_FURTHEST), _FURTHEST)
                stretch = min(max(change[2 * axis + 1], -_FURTHEST), _FURTHEST)
                middle = start[axis] + size[axis] / 2
                size[axis] /= 1 + stretch
                start[axis] = middle - size[axis] * shift - size[axis] / 2
    return best, best_start, best_size


@numba.njit(nogil=True, fastmath=True, cache=True)
def _slopes(aim):
    """float64[4, samples**2]: how the aim changes with start and size, down, and with start and size, across."""
    samples = aim.shape[0]
    found = np.empty((4, samples * samples))
    for i in range(samples):
        for j in range(samples):
            above, below = max(i - 1, 0), min(i + 1, samples - 1)
            left, right = max(j - 1, 0), min(j + 1, samples - 1)
            down = (aim[below, j] - aim[above, j]) * samples / (below - above)
            across = (aim[i, right] - aim[i, left]) * samples / (right - left)
            at = i * samples + j
            found[0, at] = down
            found[1, at] = down * ((i + 0.5) / samples - 0.5)
            found[2, at] = across
            found[3, at] = across * ((j + 0.5) / samples - 0.5)
    return found


@numba.njit(nogil=True, fastmath=True, cache=True)
def _normal(slopes):
    """float64[4, 4], with a little on its diagonal so that it can always be solved."""
    found = np.zeros((4, 4))
    for a in range(4):
        for b in range(4):
            for k in range(slopes.shape[1]):
                found[a, b] += slopes[a, k] * slopes[b, k]
    ridge = 1e-3 * (found[0, 0] + found[1, 1] + found[2, 2] + found[3, 3]) / 4 + 1e-6
    for a in range(4):
        found[a, a] += ridge
    return found


@numba.njit(nogil=True, fastmath=True, cache=True)
def _solved(normal, errors):
    """normal**-1 @ errors, by Gauss' elimination: it is symmetric and positive, so that no row need be exchanged."""
    left, right = normal.copy(), errors.copy()
    for a in range(4):
        for b in range(a + 1, 4):
            share = left[b, a] / left[a, a]
            for k in range(a, 4):
                left[b, k] -= share * left[a, k]
            right[b] -= share * right[a]
    for a in range(3, -1, -1):
        for k in range(a + 1, 4):
            right[a] -= left[a, k] * right[k]
        right[a] /= left[a, a]
    return right


@numba.njit(nogil=True, fastmath=True, cache=True)
def _errors(slopes, aim, seen, rows, columns):
    samples = aim.shape[0]
    found = np.zeros(4)
    for i in range(samples):
        for j in range(samples):
            if rows[i] and columns[j]:
                wrong = seen[i, j] - aim[i, j]
                for k in range(4):
                    found[k] += slopes[k, i * samples + j] * wrong
    return found


@numba.njit(nogil=True, fastmath=True, cache=True)
def _correlation(aim, seen, rows, columns):
    """-1 to 1 over what is inside; -1 where that is too little."""
    count, a, s, aa, ss, both = 0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(aim.shape[0]):
        for j in range(aim.shape[0]):
            if rows[i] and columns[j]:
                count += 1
                a += aim[i, j]
                s += seen[i, j]
                aa += aim[i, j] * aim[i, j]
                ss += seen[i, j] * seen[i, j]
                both += aim[i, j] * seen[i, j]
    if count < _SMALLEST_OVERLAP * aim.size:
        return -1.0
    spread = np.sqrt(max(aa - a * a / count, 0.0) * max(ss - s * s / count, 0.0))
    return (both - a * s / count) / max(spread, 1e-6)
