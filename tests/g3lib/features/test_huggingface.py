"""Hugging Face's CLIP and the official G3's, converted, give the same features; and convert back bit for bit."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from g3lib.features.architectures import ClipSizes, Tower, build_clip
from g3lib.features.huggingface import G3, huggingface_state, is_huggingface, open_clip_state
from g3lib.features.weights import CheckpointError
from tests.g3lib.golden import drawn, load_golden

# what the golden numbers were computed with: alignment/golden/README.md
OFFICIAL = ClipSizes(
    projection=768,
    vision=Tower(width=64, layers=2, heads=2, mlp=256),
    text=Tower(width=64, layers=2, heads=2, mlp=256),
    image=56,
    patch=14,
    vocabulary=1000,
)
UNEVEN = ClipSizes(
    projection=40,
    vision=Tower(width=48, layers=3, heads=4, mlp=96),
    text=Tower(width=32, layers=1, heads=1, mlp=128),
    image=32,
    patch=8,
    vocabulary=300,
    positions=20,
    quick_gelu=False,
)


def transformers_clip(sizes: ClipSizes) -> Any:
    from transformers import CLIPConfig, CLIPModel

    def tower(each: Tower) -> dict[str, object]:
        return {
            "hidden_size": each.width,
            "num_hidden_layers": each.layers,
            "num_attention_heads": each.heads,
            "intermediate_size": each.mlp,
            "hidden_act": "quick_gelu" if sizes.quick_gelu else "gelu",
        }

    last = sizes.vocabulary - 1
    text = {"vocab_size": sizes.vocabulary, "max_position_embeddings": sizes.positions}
    text |= {"bos_token_id": last - 1, "eos_token_id": last, "pad_token_id": 0}
    vision = {"image_size": sizes.image, "patch_size": sizes.patch}
    torch.manual_seed(1)
    config = CLIPConfig(
        vision_config=tower(sizes.vision) | vision,
        text_config=tower(sizes.text) | text,
        projection_dim=sizes.projection,
    )
    model = CLIPModel(config).eval()
    with torch.no_grad():  # its own start is so narrow that mistakes would hide
        for each in model.parameters():
            each.add_(0.05 * torch.randn_like(each))
    return model


def inputs(sizes: ClipSizes) -> tuple[Tensor, Tensor]:
    torch.manual_seed(2)
    tokens = torch.randint(1, sizes.vocabulary - 2, (5, sizes.positions))
    for row, end in enumerate((2, 3, sizes.positions // 2, sizes.positions - 2, sizes.positions - 1)):
        tokens[row, end], tokens[row, end + 1 :] = sizes.vocabulary - 1, 0
    return torch.randn(5, 3, sizes.image, sizes.image), tokens


@pytest.mark.parametrize("sizes", [OFFICIAL, UNEVEN], ids=["quick-gelu", "gelu"])
def test_features_are_those_of_transformers(sizes: ClipSizes) -> None:
    theirs, ours = transformers_clip(sizes), build_clip(sizes)
    ours.load_state_dict(open_clip_state(theirs.state_dict()))
    images, tokens = inputs(sizes)
    with torch.inference_mode():
        image = theirs.visual_projection(theirs.vision_model(images).pooler_output)
        text = theirs.text_projection(theirs.text_model(tokens).pooler_output)
        torch.testing.assert_close(ours.encode_image(images), image, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(ours.encode_text(tokens), text, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("sizes", [OFFICIAL, UNEVEN], ids=["quick-gelu", "gelu"])
def test_the_way_back_is_exact(sizes: ClipSizes) -> None:
    state = transformers_clip(sizes).state_dict()
    back = huggingface_state(open_clip_state(state))
    assert back.keys() == state.keys()
    assert all(torch.equal(each, state[name]) for name, each in back.items())


# --- the official G3


@pytest.fixture(scope="module")
def golden() -> dict[str, NDArray[Any]]:
    return load_golden()


@pytest.fixture(scope="module")
def official(golden: dict[str, NDArray[Any]]) -> dict[str, Tensor]:
    return drawn(golden["tensors"])


def test_features_are_the_official_ones(official: dict[str, Tensor], golden: dict[str, NDArray[Any]]) -> None:
    model = build_clip(OFFICIAL)
    model.load_state_dict(open_clip_state(official))
    with torch.inference_mode():
        image = model.encode_image(torch.from_numpy(golden["images"])).numpy()
        text = model.encode_text(torch.from_numpy(golden["input_ids"])).numpy()
    assert np.abs(image - golden["image_features"]).max() < 1e-5
    assert np.abs(text - golden["text_features"]).max() < 1e-5


def test_g3s_clip_goes_back_under_its_own_names(official: dict[str, Tensor]) -> None:
    clip = ("vision_model.", "text_model.", "vision_projection.", "text_projection.")
    expected = {name: each for name, each in official.items() if name.startswith(clip)}
    back = huggingface_state(open_clip_state(official), projection=G3)
    assert back.keys() == expected.keys()
    assert all(torch.equal(each, expected[name]) for name, each in back.items())


def test_buffers_are_passed_over_and_the_scale_is_openais(official: dict[str, Tensor]) -> None:
    buffers = {
        f"{tower}.embeddings.position_ids": torch.arange(9) for tower in ("text_model", "vision_model")
    }
    state = open_clip_state(official | buffers)
    assert state.keys() == open_clip_state(official).keys()
    assert state["logit_scale"].exp().item() == pytest.approx(100)
    assert open_clip_state(official | {"logit_scale": torch.tensor(2.0)})["logit_scale"].item() == 2.0


def test_names_tell_who_wrote_a_checkpoint(official: dict[str, Tensor]) -> None:
    assert is_huggingface(official)
    assert not is_huggingface(open_clip_state(official))


def test_what_clip_does_not_have_is_named(official: dict[str, Tensor]) -> None:
    strange = {"vision_model.encoder.layers.0.self_attn.gate.weight": torch.ones(1)}
    with pytest.raises(CheckpointError, match=r"self_attn\.gate.* another architecture"):
        open_clip_state(official | strange)
    key = "text_model.encoder.layers.1.self_attn.k_proj.weight"
    with pytest.raises(CheckpointError, match=r"k_proj\.weight' is missing"):
        open_clip_state({name: each for name, each in official.items() if name != key})
    with pytest.raises(CheckpointError, match="another shape"):
        open_clip_state(official | {key: torch.ones(3, 4)})
    with pytest.raises(CheckpointError, match=r"'visual\.gate' has no counterpart"):
        huggingface_state(open_clip_state(official) | {"visual.gate": torch.ones(1)})
