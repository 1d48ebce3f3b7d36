"""Writes models of a few thousand random weights in the format of real ones: `python tiny_models.py FOLDER`.

It is a program of its own, so that the tests' process does not import torch.
"""

import importlib
import sys
from pathlib import Path
from typing import Any

torch: Any = importlib.import_module("torch")
diffusers: Any = importlib.import_module("diffusers")
tokenizers: Any = importlib.import_module("tokenizers")
transformers: Any = importlib.import_module("transformers")

TEMPLATE = (
    "{% for turn in messages %}<|{{ turn.role }}|>{% if turn.content is string %}{{ turn.content }}{% else %}"
    "{% for part in turn.content %}{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def bytewise(folder: Path) -> Any:
    """Save and return a tokenizer with one token for each byte."""
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    specials = ["<pad>", "<bos>", "<eos>", "<image>", "<fake_token_around_image>", "<global-img>"]
    vocabulary = {letter: number for number, letter in enumerate([*specials, *alphabet])}
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, []))
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    named = {"pad_token": "<pad>", "bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<pad>"}
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, **named, model_max_length=77, chat_template=TEMPLATE
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def clip_tokenizer() -> Any:
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    letters = [*alphabet, *(f"{letter}</w>" for letter in alphabet), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {letter: number for number, letter in enumerate(letters)}
    return transformers.CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)


def picture_model(folder: Path) -> None:
    """Save a tiny Stable Diffusion, whose sides are multiples of 2 pixels."""
    tokenizer = clip_tokenizer()
    text = transformers.CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    unet = diffusers.UNet2DConditionModel(
        block_out_channels=(8, 16),
        layers_per_block=1,
        sample_size=16,
        in_channels=4,
        out_channels=4,
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=4,
    )
    vae = diffusers.AutoencoderKL(
        block_out_channels=(8, 16),
        norm_num_groups=4,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4,
    )
    pipe = diffusers.StableDiffusionPipeline(
        vae=vae,
        text_encoder=transformers.CLIPTextModel(text),
        tokenizer=tokenizer,
        unet=unet,
        scheduler=diffusers.DDIMScheduler(clip_sample=False, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.save_pretrained(folder)


def video_model(folder: Path) -> None:
    """Save a tiny Wan, with 4 n + 1 frames and sides in multiples of 16 pixels."""
    text = transformers.UMT5Config(
        vocab_size=300, d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4, is_encoder_decoder=False
    )
    pipe = diffusers.WanPipeline(
        tokenizer=bytewise(folder / "tokenizer"),
        text_encoder=transformers.UMT5EncoderModel(text),
        vae=diffusers.AutoencoderKLWan(base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
        transformer=diffusers.WanTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=12,
            text_dim=32,
            ffn_dim=32,
            num_layers=2,
            rope_max_seq_len=64,
        ),
    )
    pipe.save_pretrained(folder)


def text_config(tokenizer: Any) -> Any:
    return transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=4096,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        # Large, so that the output depends on the input.
        initializer_range=0.4,
    )


def with_letters_only(model: Any, tokenizer: Any) -> Any:
    """Make a model generate letters without end: with random weights it would write any bytes and end."""
    letters = tokenizer.convert_tokens_to_ids(list("abcdefghijklmnopqrstuvwxyzĠ"))
    model.generation_config.suppress_tokens = sorted(set(range(len(tokenizer))) - set(letters))
    return model


def language_model(folder: Path) -> None:
    tokenizer = bytewise(folder)
    model = transformers.LlamaForCausalLM(text_config(tokenizer))
    with_letters_only(model, tokenizer).save_pretrained(folder)


def vision_model(folder: Path) -> None:
    """Save a tiny Idefics3, as SmolVLM is, with 4 tokens for a picture of 32 by 32 pixels."""
    tokenizer = bytewise(folder)
    pixels = transformers.Idefics3ImageProcessorPil(
        size={"longest_edge": 32}, max_image_size={"longest_edge": 32}, do_image_splitting=False
    )
    processor = transformers.Idefics3Processor(pixels, tokenizer, image_seq_len=4, chat_template=TEMPLATE)
    vision = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers.Idefics3Config(
        text_config=text_config(processor.tokenizer).to_dict(),
        vision_config={**vision, "image_size": 32, "patch_size": 8, "initializer_range": 0.4},
        scale_factor=2,
        image_token_id=processor.image_token_id,
        initializer_range=0.4,
        pad_token_id=0,
    )
    model = transformers.Idefics3ForConditionalGeneration(config)
    with_letters_only(model, processor.tokenizer).save_pretrained(folder)
    processor.save_pretrained(folder)


MODELS = {"picture": picture_model, "video": video_model, "language": language_model, "vision": vision_model}

if __name__ == "__main__":
    for name, write in MODELS.items():
        torch.manual_seed(7)
        write(Path(sys.argv[1]) / name)
