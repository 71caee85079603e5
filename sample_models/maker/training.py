"""Training with augmentation and weight decay, and the ONNX export."""
import time

import numpy as np
import torch
from torch.nn import functional

BATCH = 128


def normalize(raw, mean, std):
    """x = (raw / 255 - mean) / std, one mean and std per channel: what edgeopt does with the .toml next to the data."""
    shape = (1, -1, 1, 1)
    return (raw.float() / 255 - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)


def shift(batch, limit, generator):
    """Move the whole batch by up to `limit` cells along both axes, repeating the border."""
    rows, columns = batch.shape[2:]
    down, right = torch.randint(0, 2 * limit + 1, (2,), generator=generator).tolist()
    padded = functional.pad(batch, (limit, limit, limit, limit), mode="replicate")
    return padded[:, :, down:down + rows, right:right + columns]


def augment_pictures(batch, generator):
    """Mirror, turn by quarters, shift, and change the light of each picture. Shapes keep their class."""
    if torch.rand(1, generator=generator) < 0.5:
        batch = batch.flip(3)
    batch = torch.rot90(batch, int(torch.randint(0, 4, (1,), generator=generator)), (2, 3))
    batch = shift(batch, 2, generator)
    gain = 1 + 0.2 * (torch.rand((len(batch), 3, 1, 1), generator=generator) - 0.5)
    offset = 0.3 * torch.randn((len(batch), 3, 1, 1), generator=generator)
    return batch * gain + offset


def augment_spectrograms(batch, generator):
    """Shift in time, change loudness, and blank a stretch of time (Park et al., "SpecAugment", 2019)."""
    move = int(torch.randint(-3, 4, (1,), generator=generator))
    batch = torch.roll(batch, move, dims=2) + 0.2 * torch.randn((len(batch), 1, 1, 1), generator=generator)
    begin = int(torch.randint(0, batch.shape[2] - 4, (1,), generator=generator))
    batch = batch.clone()
    batch[:, :, begin:begin + 3] = batch.mean()
    return batch


def make_optimizer(model, settings):
    """Weight decay on matrices and filters only, as usual: not on norms, biases and positions."""
    decayed = [p for name, p in model.named_parameters() if p.ndim > 1 and name != "place"]
    kept = [p for name, p in model.named_parameters() if p.ndim <= 1 or name == "place"]
    return torch.optim.AdamW([{"params": decayed, "weight_decay": settings["weight_decay"]},
                              {"params": kept, "weight_decay": 0.0}], lr=settings["rate"])


def train(model, samples, labels, settings):
    """Train in place, with cross entropy and a learning rate that rises and then falls along a cosine.

    samples   normalized float [count, ...]; labels int64 [count]
    settings  epochs, rate, weight_decay, augment, seed
    """
    generator = torch.Generator().manual_seed(settings["seed"])
    optimizer = make_optimizer(model, settings)
    steps = settings["epochs"] * (len(samples) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings["rate"], total_steps=steps, pct_start=0.15)
    model.train()
    for epoch in range(settings["epochs"]):
        begin, order, total = time.time(), torch.randperm(len(samples), generator=generator), 0.0
        for chosen in order.split(BATCH):
            if len(chosen) < BATCH:
                continue
            logits = model(settings["augment"](samples[chosen], generator))
            loss = functional.cross_entropy(logits, labels[chosen], label_smoothing=0.05)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
        mean_loss = total / (len(order) // BATCH)
        print(f"  epoch {epoch + 1}/{settings['epochs']}  loss {mean_loss:.3f}  {time.time() - begin:.1f} s", flush=True)
    model.eval()


@torch.no_grad()
def predict(model, samples):
    """Logits as float32 [count, classes]."""
    model.eval()
    return torch.cat([model(part) for part in samples.split(250)]).numpy()


def top1_percent(logits, labels):
    return 100.0 * float(np.mean(logits.argmax(axis=1) == labels))


def export(model, sample_shape, path):
    """Write ONNX opset 13 with input `input` [N, ...] and output `logits`, BatchNormalization kept as nodes.

    PRESERVE keeps them; PyTorch then warns that folding constants may go wrong, which holds for models in training mode.
    """
    model.eval()
    torch.onnx.export(
        model, torch.zeros(1, *sample_shape), path, opset_version=13,
        training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=True,
        input_names=["input"], output_names=["logits"],
        dynamic_axes={"input": {0: "N"}, "logits": {0: "N"}})
