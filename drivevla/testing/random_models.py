"""Language models and vision towers with random weights in a folder, for tests and for measuring speed offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from drivevla.errors import require

__all__ = ["save_random_language_model", "save_random_vision_language_model", "save_random_vision_tower"]


def save_random_language_model(folder: Path, *, dtype: torch.dtype = torch.float32, **sizes: Any) -> Path:
    """Save a Llama of any size with a tokenizer of bytes.

    Args:
        folder: Made where it is missing.
        dtype: Of the stored weights.
        sizes: Of ``transformers.LlamaConfig``.

    Returns:
        The folder.
    """
    transformers = require("transformers", "lang")
    tokenizer = _byte_tokenizer()
    sizes = {**_words(tokenizer), "tie_word_embeddings": True, **sizes}
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes))
    model.to(dtype).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_random_vision_language_model(folder: Path, *, language: dict[str, Any], vision: dict[str, Any]) -> Path:
    """Save a SmolVLM of any size, eyes and words, with a tokenizer of bytes.

    Args:
        folder: Made where it is missing.
        language: Sizes of ``transformers.LlamaConfig``.
        vision: Sizes of ``transformers.SmolVLMVisionConfig``.

    Returns:
        The folder.
    """
    transformers = require("transformers", "lang")
    tokenizer = _byte_tokenizer()
    config = transformers.SmolVLMConfig(
        text_config=transformers.LlamaConfig(**_words(tokenizer), **language),
        vision_config=vision,
        image_token_id=len(tokenizer) - 1,
        pad_token_id=1,
    )
    transformers.SmolVLMForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _save_statistics(folder)
    return folder


def save_random_vision_tower(folder: Path, *, dtype: torch.dtype = torch.float32, **sizes: Any) -> Path:
    """Save a SigLIP vision tower of any size.

    Args:
        folder: Made where it is missing.
        dtype: Of the stored weights.
        sizes: Of ``transformers.SiglipVisionConfig``.

    Returns:
        The folder.
    """
    transformers = require("transformers", "lang")
    model = transformers.SiglipVisionModel(transformers.SiglipVisionConfig(**sizes))
    model.to(dtype).save_pretrained(folder)
    _save_statistics(folder)
    return folder


def _save_statistics(folder: Path) -> None:
    statistics = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
    (folder / "preprocessor_config.json").write_text(json.dumps(statistics), encoding="utf-8")


def _byte_tokenizer() -> Any:
    transformers, tokenizers = require("transformers", "lang"), require("tokenizers", "lang")
    letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<s>": 0, "</s>": 1, **{letter: 2 + index for index, letter in enumerate(letters)}}
    inner = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocabulary, merges=[]))
    inner.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = tokenizers.decoders.ByteLevel()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )


def _words(tokenizer: Any) -> dict[str, int]:
    return {"vocab_size": len(tokenizer), "bos_token_id": 0, "eos_token_id": 1}
