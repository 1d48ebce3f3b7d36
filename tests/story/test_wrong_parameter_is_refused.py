"""A parameter that a model does not take is refused by name, and costs nothing."""

from support.server import Server
from terrarium_server import ledger


def test_every_wrong_parameter_is_named_with_what_is_allowed(server: Server) -> None:
    account = server.new_account(credits=1.0)
    params = {"aspect_ratio": "17:9", "image_url": "https://example.com/a.png", "num_images": 40}
    with server.client(account.api_key) as terrarium:
        answer = terrarium.post("/generate", json=account.body(type="image", params=params))
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert error["code"] == "input_validation_error"
        messages = {field["field"]: field["message"] for field in error["fields"]}
        assert set(messages) == {"params.aspect_ratio", "params.image_url", "params.num_images"}
        assert messages["params.num_images"] == "Must be between 1 and 4"
        # The catalogue lists the same options.
        models = terrarium.get("/models", params={"type": "image"}).json()["models"]
        [model] = [model for model in models if model["model_id"] == "t2i-sketch"]
        declared = {param["name"]: param for param in model["params"]}
        for option in declared["aspect_ratio"]["options"]:
            assert option["value"] in messages["params.aspect_ratio"]
        assert all(name in messages["params.image_url"] for name in declared)

        # Nothing was started, and nothing was charged.
        assert terrarium.get("/generations").json()["generations"] == []
    with server.transaction() as tx:
        assert ledger.read_balance(tx, account.workspace_id) == 1_000_000


def test_the_error_for_an_unknown_model_names_the_known_ones(server: Server) -> None:
    account = server.new_account()
    with server.client(account.api_key) as terrarium:
        answer = terrarium.post("/generate", json=account.body(type="image", model="t2i-flux-2-pro"))
        assert answer.status_code == 400
        [field] = answer.json()["error"]["fields"]
        models = terrarium.get("/models", params={"type": "image"}).json()["models"]
        assert field["field"] == "model"
        assert all(model["model_id"] in field["message"] for model in models)
