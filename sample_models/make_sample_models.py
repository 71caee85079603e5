#!/usr/bin/python3
"""Draws the data, trains the sample models, writes them with their samples, and records every file's sha256.

    /usr/bin/python3 sample_models/make_sample_models.py [data | residual_cnn | ds_cnn | vision_transformer | sums]...

Without arguments: everything, in that order. Needs Debian's python3-torch and python3-numpy.
"""
import hashlib
import pathlib
import sys

import numpy as np
import torch

sys.dont_write_bytecode = True  # leaves no __pycache__ among the models
sys.path.insert(0, str(pathlib.Path(__file__).parent / "maker"))
import keyword_spectrograms  # noqa: E402
import networks  # noqa: E402
import shape_images  # noqa: E402
import training  # noqa: E402

FOLDER = pathlib.Path(__file__).parent
THREAD_COUNT = 2  # part of what makes the weights repeatable: sums are split by thread

# Seeds differ for each use, so that no picture or word is in two sets.
SETS = {
    "shapes": {"draw": shape_images.draw_samples, "classes": shape_images.CLASS_NAMES,
               "train": (30000, 1001), "calibration": (300, 1002), "test": (1200, 1003)},
    "keywords": {"draw": keyword_spectrograms.draw_samples, "classes": keyword_spectrograms.CLASS_NAMES,
                 "train": (24000, 2001), "calibration": (300, 2002), "test": (1500, 2003)},
}
MODELS = {
    "residual_cnn": {"set": "shapes", "network": networks.residual_cnn, "epochs": 16, "rate": 4e-3,
                     "weight_decay": 0.05, "augment": training.augment_pictures, "seed": 11},
    "ds_cnn": {"set": "keywords", "network": networks.ds_cnn, "epochs": 10, "rate": 4e-3,
               "weight_decay": 0.05, "augment": training.augment_spectrograms, "seed": 12},
    "vision_transformer": {"set": "shapes", "network": networks.VisionTransformer, "stem_epochs": 5, "epochs": 14, "rate": 1.5e-3,
                           "weight_decay": 0.05, "augment": training.augment_pictures, "seed": 13},
}
STEM_RATE = 4e-3  # as for the residual CNN. The stem alone learns in minutes what takes the whole transformer an hour


def draw(set_name, part):
    count, seed = SETS[set_name][part]
    return SETS[set_name]["draw"](count, seed)


def channel_statistics(set_name):
    """Mean and standard deviation of each channel over the calibration samples, of raw / 255, to four digits."""
    raw, _ = draw(set_name, "calibration")
    scaled = raw.astype(np.float64) / 255
    return [[round(float(v), 4) for v in f(scaled, axis=(0, 2, 3))] for f in (np.mean, np.std)]


def write_samples(set_name):
    mean, std = channel_statistics(set_name)
    classes = ", ".join(f'"{name}"' for name in SETS[set_name]["classes"])
    for part in ("calibration", "test"):
        raw, labels = draw(set_name, part)
        np.savez_compressed(FOLDER / f"{set_name}_{part}.npz", input=raw, labels=labels)
        (FOLDER / f"{set_name}_{part}.toml").write_text(
            f"# {len(raw)} samples. The model sees x = (raw * scale - mean) / std, per channel; raw is uint8.\n"
            f"# Classes, in the order of the labels: {classes}.\n"
            f'file = "{set_name}_{part}.npz"\n'
            f"scale = {1 / 255!r}\nmean = {mean}\nstd = {std}\n"
            'layout = "nchw"\n')
        print(f"{set_name}_{part}.npz: {len(raw)} samples", flush=True)


def make_model(name):
    settings = MODELS[name]
    mean, std = channel_statistics(settings["set"])
    raw, labels = draw(settings["set"], "train")
    torch.manual_seed(settings["seed"])
    model = settings["network"]()
    parameter_count = sum(p.numel() for p in model.parameters())
    print(f"{name}: {parameter_count} parameters, {len(raw)} training samples", flush=True)
    samples, labels = training.normalize(torch.from_numpy(raw), mean, std), torch.from_numpy(labels)
    if "stem_epochs" in settings:
        stem_settings = {**settings, "epochs": settings["stem_epochs"], "rate": STEM_RATE}
        training.train(model.stem_classifier(), samples, labels, stem_settings)
    training.train(model, samples, labels, settings)
    training.export(model, raw.shape[1:], str(FOLDER / f"{name}.onnx"))
    report_accuracy(name, model, (mean, std))


def report_accuracy(name, model, statistics):
    for part in ("calibration", "test"):
        raw, labels = draw(MODELS[name]["set"], part)
        logits = training.predict(model, training.normalize(torch.from_numpy(raw), *statistics))
        print(f"{name}: top-1 {training.top1_percent(logits, labels):.2f} % on {part}", flush=True)


def write_sums():
    """One line per file that sha256sum -c can check."""
    files = sorted(path for pattern in ("*.onnx", "*.npz", "*.toml") for path in FOLDER.glob(pattern))
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (FOLDER / "SHA256SUMS").write_text("".join(lines))


def main(targets):
    torch.set_num_threads(THREAD_COUNT)
    torch.use_deterministic_algorithms(True)
    for target in targets or ["data", *MODELS, "sums"]:
        if target == "data":
            for set_name in SETS:
                write_samples(set_name)
        elif target == "sums":
            write_sums()
        elif target in MODELS:
            make_model(target)
        else:
            sys.exit(f"unknown target {target!r}; known: data, {', '.join(MODELS)}, sums")


if __name__ == "__main__":
    main(sys.argv[1:])
