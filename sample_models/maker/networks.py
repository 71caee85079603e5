"""The three networks, in the form in which training frameworks usually export them."""
import torch
from torch import nn


def norm_relu(channels):
    return [nn.BatchNorm2d(channels), nn.ReLU()]


class ResidualBlock(nn.Module):
    """x -> relu(norm(conv(relu(norm(conv(x))))) + shortcut(x)), He et al., "Deep Residual Learning", 2015."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), *norm_relu(outputs),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return torch.relu(self.path(x) + self.shortcut(x))


def residual_cnn(class_count=10):
    """Input [N, 3, 32, 32]."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 1, 1, bias=False), *norm_relu(16), nn.MaxPool2d(3, 2, 1),
        ResidualBlock(16, 16, 1), ResidualBlock(16, 16, 1),
        ResidualBlock(16, 32, 2), ResidualBlock(32, 32, 1),
        ResidualBlock(32, 64, 2), ResidualBlock(64, 64, 1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, class_count))


def separable_block(inputs, outputs, stride):
    return [nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False), *norm_relu(inputs),
            nn.Conv2d(inputs, outputs, 1, bias=False), *norm_relu(outputs)]


def ds_cnn(class_count=12, channels=224):
    """Input [N, 1, 49, 10]; Zhang et al., "Hello Edge: Keyword Spotting on Microcontrollers", 2017."""
    layers = [nn.Conv2d(1, channels, (10, 4), (2, 1), (5, 1), bias=False), *norm_relu(channels)]
    for stride in (2, 1, 1, 1):
        layers += separable_block(channels, channels, stride)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, class_count))


class Attention(nn.Module):
    """softmax(Q K' / sqrt(width of a head)) V for each head, Vaswani et al., 2017."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.head_width = heads, width // heads
        self.mix_in, self.mix_out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        tokens, width = x.shape[1], self.heads * self.head_width
        mixed = self.mix_in(x).reshape(-1, tokens, 3, self.heads, self.head_width).permute(2, 0, 3, 1, 4)
        query, key, value = mixed[0], mixed[1], mixed[2]
        weights = torch.softmax(query @ key.transpose(-2, -1) * self.head_width ** -0.5, dim=-1)
        return self.mix_out((weights @ value).transpose(1, 2).reshape(-1, tokens, width))


class EncoderBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.attention_norm, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attention(self.attention_norm(x))
        return x + self.mlp(self.mlp_norm(x))


class VisionTransformer(nn.Module):
    """Input [N, 3, 32, 32], 4x4 tokens; Dosovitskiy et al., 2020, with the mean of all tokens.

    Four convolutions come before the patch embedding, as in Xiao et al., "Early Convolutions Help Transformers
    See Better", 2021: without them so small a data set does not suffice.
    """

    def __init__(self, class_count=10, width=80, heads=5, depth=3):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 24, 3, 1, 1, bias=False), *norm_relu(24),
            nn.Conv2d(24, 32, 3, 2, 1, bias=False), *norm_relu(32),
            nn.Conv2d(32, 64, 3, 2, 1, bias=False), *norm_relu(64),
            nn.Conv2d(64, 64, 3, 1, 1, bias=False), *norm_relu(64))
        self.embed = nn.Conv2d(64, width, 2, 2)
        self.place = nn.Parameter(torch.randn(1, 16, width) * 0.02)
        self.blocks = nn.Sequential(*[EncoderBlock(width, heads) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, class_count)
        self.width = width

    def stem_classifier(self, class_count=10):
        """The stem, shared, under a small convolutional head: to be trained first, see make_sample_models.py."""
        return nn.Sequential(
            self.stem, nn.Conv2d(64, 96, 3, 2, 1, bias=False), *norm_relu(96),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(96, class_count))

    def forward(self, x):
        tokens = self.embed(self.stem(x)).reshape(-1, self.width, 16).transpose(1, 2) + self.place
        return self.head(self.norm(self.blocks(tokens)).mean(dim=1))
