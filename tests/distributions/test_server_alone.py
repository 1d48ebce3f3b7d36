"""`pip install terrarium-server`: no model runtime comes with it, and it says what to install."""

from collections.abc import Callable

from .environments import Environment, dependencies

RUNTIMES = {
    "onnxruntime",
    "xllamacpp",
    "espeakng-loader",
    "tinysoundfont",
    "torch",
    "diffusers",
    "transformers",
}


def test_a_server_alone_lists_nothing_and_says_what_to_install(install: Callable[..., Environment]) -> None:
    alone = install("terrarium-server", "terrarium")
    with alone.serving() as greeting:
        assert "pip install 'terrarium-server[pocket]'" in greeting
        client = alone.as_client(greeting)
        assert client.models() == []
        script = "terrarium generate 'a red cube' 2>&1 || true"
        assert "pip install 'terrarium-server[pocket]'" in client.shell(script)
        assert client.shell("terrarium models 2>&1") == (
            "No models. `terrarium models --all` shows what is missing, if anything.\n"
        )
        assert "add it as an [[engine]] to terrarium.toml" in client.shell("terrarium models --all 2>&1")
    hint = "The small models come with: pip install 'terrarium-server[pocket]'\n"
    assert alone.shell("terrarium models pull") == f"No installed model needs a download. {hint}"
    refused = alone.shell("terrarium models pull nonexist 2>&1 || true")
    assert refused.endswith(f"nonexist has no weights to fetch; no installed model has any. {hint}")

    # What it says helps, without anything else to be done but starting it again.
    alone.link(dependencies("terrarium-pocket"))
    alone.shell("pip install 'terrarium-server[pocket]'")
    with alone.serving() as again:
        assert "pip install" not in again
        client = client.at(again)
        assert {"t2i-sketch", "t2v-sketch", "t2t-sketch"} <= set(client.models())
        client.shell(
            "terrarium generate 'a red cube' --model t2i-sketch --param resolution=0.5k --out cube.png"
        )
    assert (alone.folder / "cube.png").read_bytes().startswith(b"\x89PNG")


def test_no_model_runtime_comes_with_the_server_or_the_client() -> None:
    assert (dependencies("terrarium-server") | dependencies("terrarium")) & RUNTIMES == set()
    assert {"onnxruntime", "xllamacpp", "espeakng-loader"} <= dependencies("terrarium-pocket")
