"""Spectrograms of made-up words: energy(t, f) = sum of bumps at the formants of the phone spoken at t, plus noise.

Ten keywords, any other word ("unknown") and no word ("silence"), as in keyword-spotting data sets.
"""
import numpy as np

FRAMES, BANDS = 49, 10
# A phone is (duration in frames, loudness, three (band, width, gain) bumps). Bands follow the mel scale, 0 to 9.
PHONES = {
    "i": (9, 1.0, ((1.2, 0.6, 1.0), (6.6, 0.8, 0.6), (7.8, 0.8, 0.4))),
    "e": (9, 1.0, ((2.2, 0.7, 1.0), (5.9, 0.8, 0.6), (7.4, 0.9, 0.3))),
    "a": (10, 1.0, ((3.4, 0.8, 1.0), (4.7, 0.8, 0.7), (7.1, 0.9, 0.2))),
    "o": (10, 1.0, ((2.4, 0.7, 1.0), (3.5, 0.7, 0.7), (7.0, 0.9, 0.1))),
    "u": (9, 0.9, ((1.3, 0.6, 1.0), (3.0, 0.7, 0.5), (6.8, 0.9, 0.1))),
    "n": (6, 0.5, ((0.8, 0.6, 1.0), (4.6, 1.0, 0.2), (6.9, 1.0, 0.1))),
    "m": (6, 0.5, ((0.7, 0.6, 1.0), (3.6, 1.0, 0.2), (6.5, 1.0, 0.1))),
    "l": (5, 0.6, ((1.4, 0.7, 1.0), (3.8, 0.9, 0.4), (7.6, 0.9, 0.2))),
    "s": (8, 0.5, ((8.8, 0.9, 1.0), (7.9, 1.0, 0.6), (6.5, 1.2, 0.2))),
    "f": (7, 0.3, ((7.5, 2.5, 0.6), (5.0, 2.5, 0.4), (8.8, 1.5, 0.5))),
    "t": (4, 0.6, ((8.2, 1.2, 1.0), (6.8, 1.5, 0.6), (5.0, 2.0, 0.2))),
    "k": (4, 0.6, ((5.4, 0.9, 1.0), (7.2, 1.6, 0.4), (3.8, 1.5, 0.2))),
    "p": (4, 0.5, ((2.0, 1.5, 1.0), (4.0, 2.0, 0.5), (6.0, 2.0, 0.2))),
    "-": (3, 0.0, ((0.0, 1.0, 0.0), (0.0, 1.0, 0.0), (0.0, 1.0, 0.0))),
}
KEYWORDS = ["no", "mo", "-pil", "-tal", "lef", "sa-k", "us-t", "-kin", "ne-k", "f-ti"]
CLASS_NAMES = [word.replace("-", "") for word in KEYWORDS] + ["unknown", "silence"]
UNKNOWN, SILENCE = len(KEYWORDS), len(KEYWORDS) + 1
CONSONANTS, VOWELS = list("nmlsftkp"), list("ieaou")


def draw_unknown_word(rng):
    """A random word of two to four phones which is not a keyword."""
    while True:
        word = "".join(rng.choice(VOWELS if place % 2 else CONSONANTS) for place in range(rng.integers(2, 5)))
        if rng.random() < 0.3:
            word = word[1:] + rng.choice(CONSONANTS)
        spoken = "".join("-" + phone if phone in "tkp" else phone for phone in word)
        if spoken not in KEYWORDS and word not in CLASS_NAMES:
            return spoken


def phone_energy(rng, phone, speaker):
    """Energy of one phone, [frames, BANDS], with bands moved as by the length of a speaker's vocal tract."""
    duration, loudness, bumps = PHONES[phone]
    frames = max(2, int(round(duration * speaker["slowness"] * rng.uniform(0.75, 1.3))))
    bands = np.arange(BANDS)
    energy = np.zeros(BANDS)
    for band, width, gain in bumps:
        centre = band + speaker["shift"] * (0.4 + 0.1 * band) + rng.normal(0, 0.22)
        energy += gain * np.exp(-0.5 * ((bands - centre) / width) ** 2) * np.exp(rng.normal(0, 0.25))
    envelope = 0.6 + 0.4 * np.sin(np.pi * (np.arange(frames) + 0.5) / frames)
    return loudness * np.exp(rng.normal(0, 0.2)) * envelope[:, None] * energy[None]


def draw_word(rng, word):
    """Energy of a word somewhere in the window, [FRAMES, BANDS]; neighbouring phones run into each other."""
    speaker = {"slowness": rng.uniform(0.75, 1.35), "shift": rng.normal(0, 0.5)}
    spoken = np.concatenate([phone_energy(rng, phone, speaker) for phone in word])[:FRAMES]
    window = np.zeros((FRAMES, BANDS))
    start = rng.integers(0, max(1, FRAMES - len(spoken) + 1))
    window[start:start + len(spoken)] = spoken
    padded = np.pad(window, ((1, 1), (0, 0)), mode="edge")
    return 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]


def draw_noise(rng, level):
    """Energy of coloured noise that swells and fades, with now and then a click, [FRAMES, BANDS]."""
    colour = np.exp(rng.normal(0, 0.5) * np.linspace(-1, 1, BANDS) + rng.normal(0, 0.3, BANDS))
    swell = np.exp(0.4 * np.sin(np.linspace(0, rng.uniform(1, 8), FRAMES) + rng.uniform(0, 6.28)))
    noise = level * colour[None] * swell[:, None] * rng.gamma(3, 1 / 3, (FRAMES, BANDS))
    if rng.random() < 0.25:
        noise[rng.integers(0, FRAMES)] += rng.uniform(0, 0.4, BANDS)
    return noise


def draw_spectrogram(rng, label):
    """uint8 [FRAMES, BANDS]: 0 is -60 dB, 255 is +10 dB of a word's usual loudness."""
    noise = draw_noise(rng, 10 ** rng.uniform(-2.6, -0.2))
    energy = noise
    if label != SILENCE:
        word = KEYWORDS[label] if label < len(KEYWORDS) else draw_unknown_word(rng)
        energy = noise + draw_word(rng, word) * rng.gamma(6, 1 / 6, (FRAMES, BANDS))
    decibels = 10 * np.log10(energy * 10 ** rng.uniform(-0.8, 0.4) + 1e-6)
    return np.clip(np.rint((decibels + 60) / 70 * 255), 0, 255).astype(np.uint8)


def draw_samples(count, seed):
    """uint8 spectrograms [count, 1, FRAMES, BANDS] and int64 labels [count], the same for the same seed."""
    rng = np.random.Generator(np.random.PCG64(seed))
    labels = rng.permutation(np.arange(count) % len(CLASS_NAMES)).astype(np.int64)
    return np.stack([draw_spectrogram(rng, label) for label in labels])[:, None], labels
