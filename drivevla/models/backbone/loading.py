"""Language models of transformers, taken apart into what a planner needs of them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from drivevla.errors import ConfigError, require
from drivevla.models.frozen import freeze_for_good

__all__ = ["adapt", "load_decoder", "shorten"]


def load_decoder(name: str) -> tuple[Any, nn.Module | None]:
    """The decoder of a causal language model, or of a vision-language model without its eyes, in float32.

    Args:
        name: A hub name or a local folder.

    Returns:
        The decoder, and the layer from its states to words where that shares no weights with the embedding.

    Raises:
        ConfigError: The folder holds no such model.
    """
    transformers = require("transformers", "lang")
    config = transformers.AutoConfig.from_pretrained(name)
    sees = getattr(config, "vision_config", None) is not None
    kind = transformers.AutoModelForImageTextToText if sees else transformers.AutoModelForCausalLM
    try:
        whole = kind.from_pretrained(name, dtype=torch.float32)
    except ValueError as error:
        raise ConfigError(f"{name} is a {config.model_type!r} model, which writes no text: {error}") from error
    decoder, out = whole.get_decoder(), whole.get_output_embeddings()
    tied = out.weight is decoder.get_input_embeddings().weight
    return decoder, None if tied else out


def shorten(decoder: Any, layers: int) -> None:
    """Keep the first layers only, as SmolVLA does with half of its model (arXiv 2506.01844, section 3.1).

    Raises:
        ConfigError: The model has fewer.
    """
    there = len(decoder.layers)
    if not 1 <= layers <= there:
        raise ConfigError(f"layers of the backbone must be 1 to {there}, got {layers}")
    decoder.layers = decoder.layers[:layers]
    decoder.config.num_hidden_layers = layers
    if getattr(decoder.config, "layer_types", None) is not None:
        decoder.config.layer_types = decoder.config.layer_types[:layers]


def adapt(decoder: Any, *, rank: int, targets: tuple[str, ...]) -> None:
    """Freeze a decoder for good and give it low-rank adapters that learn (LoRA, arXiv 2106.09685).

    Args:
        decoder: Changed in place.
        rank: Of every adapter; their scale is 2.
        targets: Endings of the names of the layers that get one.
    """
    peft = require("peft", "lora")
    freeze_for_good(decoder)
    config = peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=list(targets), bias="none")
    peft.inject_adapter_in_model(config, decoder)
    for name, weight in decoder.named_parameters():
        weight.requires_grad_("lora_" in name)
