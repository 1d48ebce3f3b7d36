"""Media that runs start from: links are fetched, outputs of ours are found, and nothing else is."""

from collections.abc import AsyncIterator

import pytest

from support.loopback import Asked, Reply, loopback
from support.puppet import Puppet
from support.stage import MakeStage, Stage
from terrarium_server import assets
from terrarium_server.engines import Finished, Job, News, Output
from terrarium_server.problems import InvalidInput

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


class Copier(Puppet):
    """Hands out the picture it was given, or one of its own; the files are gone after the run."""

    def __init__(self) -> None:
        self.types: list[str] = []

        async def play(job: Job) -> AsyncIterator[News]:
            given = job.inputs.get("image_url", ())
            self.types += [medium.content_type for medium in given]
            yield Finished((Output("image/png", given[0].path.read_bytes() if given else PNG, 8, 8),))

        super().__init__(play)


def output_of(stage: Stage, run_id: str) -> assets.KeptOutput:
    with stage.house.database.transaction() as tx:
        return assets.outputs_of(tx, [run_id])[run_id][0]


def start(stage: Stage, **params: str) -> str:
    return stage.start("i2i-rehearsal", type="image", **params)


def test_outputs_of_ours_are_found_by_reference_and_by_link(make_stage: MakeStage) -> None:
    engine = Copier()
    with make_stage(engine) as stage:
        first = stage.ended(start(stage))
        kept = output_of(stage, first.run_id)
        number = kept.output_id.removeprefix("out_")
        names = [
            first.run_id,
            f"{first.run_id}/{kept.output_id}",
            f"{first.run_id}/output_{number}",
            f"https://anywhere.example/media/{kept.blob}",
        ]
        for name in names:
            made = stage.ended(start(stage, image_url=name))
            assert made.state == "completed", made.error_message
            assert output_of(stage, made.run_id).sha256 == kept.sha256
        assert engine.types == ["image/png"] * 4


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"image_url": "asset_1"}, "There is no asset asset_1"),
        ({"image_url": "run_nobody/out_1"}, "There is no output run_nobody/out_1"),
        ({"image_url": "picture.png"}, "Must lead to an image: an https link"),
        ({"video_url": "https://x.example/a.mp4"}, "takes no video"),
        ({"image_urls": "https://x.example/a.png"}, "Send it as image_url"),
    ],
)
def test_what_leads_nowhere_is_refused_at_the_door(
    make_stage: MakeStage, params: dict[str, str], told: str
) -> None:
    with make_stage(Copier(), workers=False) as stage:
        with pytest.raises(InvalidInput) as refused:
            start(stage, **params)
        [field] = refused.value.fields
        assert field.field == f"params.{next(iter(params))}"
        assert told in field.message


def test_a_strangers_output_and_one_of_another_kind_are_refused(make_stage: MakeStage) -> None:
    with make_stage(Copier()) as stage:
        run_id = stage.ended(start(stage)).run_id
        with pytest.raises(InvalidInput, match="audio is asked for"):
            start(stage, audio_url=run_id)
        with stage.house.database.transaction() as tx:
            from support.server import new_account

            stranger = Stage(stage.house, new_account(tx))
        with pytest.raises(InvalidInput, match="There is no output"):
            start(stranger, image_url=run_id)


def test_a_link_is_fetched_in_the_run_and_a_bad_one_fails_it_by_name(make_stage: MakeStage) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/picture":
            return Reply(PNG, headers={"content-type": "text/html"})
        return Reply(b"<html>", headers={"content-type": "image/png"})

    with loopback(answer) as site, make_stage(Copier(), allow_private_fetch=True) as stage:
        good = stage.ended(start(stage, image_url=f"{site.url}/picture"))
        assert good.state == "completed", good.error_message
        bad = stage.ended(start(stage, image_url=f"{site.url}/page"))
        assert (bad.error_code, bad.cost_micros) == ("GENERATION_INVALID_URL", 0)
        assert bad.error_message and bad.error_message.startswith(
            "params.image_url: the file is of an unknown"
        )


def test_this_machine_cannot_be_reached_through_a_link(make_stage: MakeStage) -> None:
    with make_stage(Copier()) as stage:
        run = stage.ended(start(stage, image_url="https://localhost:9/x.png"))
        assert run.error_message == "params.image_url: the link leads to an address that is not public"
