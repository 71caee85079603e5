"""Colour pictures of ten shapes: shape(p) = sigmoid(-distance(p) / softness) over a cluttered background.

Only the outline tells the class; colour, texture, place, size, angle and clutter are drawn at random.
"""
import numpy as np

SIDE = 32  # pixels
CLASS_NAMES = ["disc", "ring", "square", "triangle", "star", "cross", "crescent", "half_disc", "corner", "bars"]
BATCH = 500  # pictures drawn at once; part of what the seed means, since each batch draws its own numbers


def box(x, y, half_width, half_height):
    return np.maximum(np.abs(x) - half_width, np.abs(y) - half_height)


def polygon(x, y, corner_count, inner_radius):
    angle = np.mod(np.arctan2(y, x), 2 * np.pi / corner_count) - np.pi / corner_count
    return np.hypot(x, y) * np.cos(angle) - inner_radius


def star(x, y):
    return np.hypot(x, y) - 0.66 - 0.32 * np.cos(5 * np.arctan2(y, x))


# Signed distance (negative inside), in units of the shape's radius; in the order of CLASS_NAMES.
DISTANCES = [
    lambda x, y: np.hypot(x, y) - 0.85,
    lambda x, y: np.abs(np.hypot(x, y) - 0.68) - 0.24,
    lambda x, y: box(x, y, 0.76, 0.76),
    lambda x, y: polygon(x, y, 3, 0.55),
    star,
    lambda x, y: np.minimum(box(x, y, 0.92, 0.3), box(x, y, 0.3, 0.92)),
    lambda x, y: np.maximum(np.hypot(x, y) - 0.95, 0.72 - np.hypot(x - 0.5, y)),
    lambda x, y: np.maximum(np.hypot(x + 0.4, y) - 0.98, -(x + 0.4)),
    lambda x, y: np.minimum(box(x + 0.45, y, 0.3, 0.9), box(x, y + 0.6, 0.75, 0.3)),
    lambda x, y: box(x, np.abs(y) - 0.55, 0.85, 0.24),
]


def sigmoid(x):
    return 1 / (1 + np.exp(-np.clip(x, -40, 40)))


def blend(under, over, opacity):
    return under + (over - under) * opacity


def pixel_grid():
    axis = (np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE * 2 - 1
    return axis[None, None, :], axis[None, :, None]


def uniform(rng, low, high, count):
    """Random numbers of shape [count, 1, 1], ready to broadcast over a picture."""
    return rng.uniform(low, high, (count, 1, 1)).astype(np.float32)


def draw_colours(rng, count):
    return rng.uniform(0.08, 0.92, (count, 3, 1, 1)).astype(np.float32)


def draw_rough_noise(rng, count, channels):
    """Noise whose amplitude falls with frequency, as in photographs: spectrum = white / f^power."""
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None, :]).astype(np.float32)
    power = rng.uniform(0.8, 1.8, (count, 1, 1, 1))
    white = np.fft.rfft2(rng.standard_normal((count, channels, SIDE, SIDE)))
    noise = np.fft.irfft2(white / np.maximum(frequency, 1 / SIDE) ** power, s=(SIDE, SIDE))
    noise -= noise.mean(axis=(2, 3), keepdims=True)
    return (noise / noise.std(axis=(2, 3), keepdims=True)).astype(np.float32)


def draw_texture(rng, count):
    """Stripes, checks or nothing, in [-1, 1]: [count, 1, SIDE, SIDE]."""
    x, y = pixel_grid()
    angle, frequency = uniform(rng, 0, np.pi, count), uniform(rng, 6, 16, count)
    along = np.sin(frequency * (x * np.cos(angle) + y * np.sin(angle)) + uniform(rng, 0, 6.28, count))
    across = np.sin(frequency * (y * np.cos(angle) - x * np.sin(angle)))
    kind = rng.integers(0, 3, (count, 1, 1))
    return np.where(kind == 0, along, np.where(kind == 1, along * across, 0))[:, None]


def draw_background(rng, count):
    shared, own = draw_rough_noise(rng, count, 1), draw_rough_noise(rng, count, 3)
    strength = rng.uniform(0.03, 0.16, (count, 1, 1, 1)).astype(np.float32)
    return draw_colours(rng, count) + strength * (0.7 * shared + 0.5 * own)


def add_clutter(rng, pictures, opacity_limit):
    """Lay one stroke or blob of random colour, place and opacity over each picture."""
    count = len(pictures)
    x, y = pixel_grid()
    angle = uniform(rng, 0, np.pi, count)
    dx, dy = x - uniform(rng, -1, 1, count), y - uniform(rng, -1, 1, count)
    along, across = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
    distance = box(along, across, uniform(rng, 0.1, 0.8, count), uniform(rng, 0.03, 0.14, count))
    opacity = sigmoid(-distance / 0.03) * uniform(rng, 0, opacity_limit, count)
    return blend(pictures, draw_colours(rng, count), opacity[:, None])


def draw_masks(rng, labels):
    """Opacity of the shapes, [count, 1, SIDE, SIDE]."""
    count = len(labels)
    x, y = pixel_grid()
    scale, angle = uniform(rng, 0.46, 0.8, count), uniform(rng, 0, 2 * np.pi, count)
    reach = 1.05 - scale
    dx, dy = x - uniform(rng, -1, 1, count) * reach, y - uniform(rng, -1, 1, count) * reach
    stretch = uniform(rng, 0.85, 1.18, count)
    u = (dx * np.cos(angle) + dy * np.sin(angle)) / scale * stretch
    v = (dy * np.cos(angle) - dx * np.sin(angle)) / scale / stretch
    distance = np.empty((count, SIDE, SIDE), np.float32)
    for label, distance_of in enumerate(DISTANCES):
        chosen = labels == label
        distance[chosen] = distance_of(u[chosen], v[chosen])
    return sigmoid(-distance * scale / uniform(rng, 0.02, 0.05, count))[:, None]


def draw_figures(rng, background):
    """Coloured, textured fillings that differ from the background's mean colour."""
    count = len(background)
    mean = background.mean(axis=(2, 3), keepdims=True)
    step = rng.standard_normal((count, 3, 1, 1)).astype(np.float32)
    step /= np.linalg.norm(step, axis=1, keepdims=True)
    contrast = rng.uniform(0.3, 0.85, (count, 1, 1, 1)).astype(np.float32)
    texture_strength = rng.uniform(0, 0.3, (count, 1, 1, 1)).astype(np.float32)
    return mean + contrast * step + texture_strength * contrast * draw_texture(rng, count)


def blur(pictures, amount):
    padded = np.pad(pictures, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    rows = (padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]) / 4
    smooth = (rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 4
    return blend(pictures, smooth, amount)


def draw_batch(rng, labels):
    count = len(labels)
    background = add_clutter(rng, draw_background(rng, count), 1.0)
    background = add_clutter(rng, background, 1.0)
    pictures = blend(background, draw_figures(rng, background), draw_masks(rng, labels))
    pictures = add_clutter(rng, pictures, 0.9)
    pictures = blur(pictures, rng.uniform(0, 1, (count, 1, 1, 1)).astype(np.float32))
    noise_level = rng.uniform(0, 0.07, (count, 1, 1, 1))
    pictures = pictures + noise_level * rng.standard_normal(pictures.shape)
    return np.clip(np.rint(pictures * 255), 0, 255).astype(np.uint8)


def draw_samples(count, seed):
    """uint8 pictures [count, 3, SIDE, SIDE] and int64 labels [count], the same for the same seed."""
    rng = np.random.Generator(np.random.PCG64(seed))
    labels = rng.permutation(np.arange(count) % len(CLASS_NAMES)).astype(np.int64)
    batches = [draw_batch(rng, labels[start:start + BATCH]) for start in range(0, count, BATCH)]
    return np.concatenate(batches), labels
