"""MP16-Pro's slices into shards: from disk or the hub, with or without facts, every member accounted for."""

import json
import random
from pathlib import Path

import pytest
from facts import facts, parquet
from pictures import encoded
from ranged import RangedServer, cut, status
from tars import tar_of

from g3lib.experiments.datasets import Dataset, DownloadSettings, Mp16ProSource
from g3lib.images import Photo, Rejected, write_shard
from g3lib.images.archives.seams import end_of
from g3lib.images.archives.tar_headers import BrokenTar
from g3lib.images.archives.web import AccessDenied
from g3lib.images.sources import Offer, Place, source_of
from g3lib.images.sources.mp16_pro import Mp16Pro

FAST = DownloadSettings(requests_per_second=10_000, backoff_seconds=0.001, attempts=3)
SLICES = 5
HEADER = "IMG_ID,AUTHOR,LAT,LON,S3_Label,S16_Label,S365_Label,Prob_indoor,Prob_natural,Prob_urban"
PLACES = "neighbourhood,city,county,state,region,country,country_code,continent"


def ids(count: int) -> list[str]:
    return [f"e1/{number % 7:02x}/{number}.jpg" for number in range(count)]


def tar(count: int, more: tuple[tuple[str, bytes], ...] = ()) -> bytes:
    files = [(f"./images/{name.replace('/', '_')}", encoded(n)) for n, name in enumerate(ids(count))]
    return tar_of([*files, *more])


def cut_into(data: bytes) -> dict[str, bytes]:
    edges = [0, *sorted(random.Random(0).sample(range(len(data)), SLICES - 1)), len(data)]
    return {f"mp-16-images{index:02d}": data[edges[index] : edges[index + 1]] for index in range(SLICES)}


def place(folder: Path, shards: int, told: list[str] | None = None, attempts: int = 3) -> Place:
    settings = Mp16ProSource(slices=SLICES, download=FAST.model_copy(update={"attempts": attempts}))
    dataset = Dataset(name="mp16", role="gallery", shards=shards, photos_per_shard=10, source=settings)
    return Place(dataset, folder, report=(told if told is not None else []).append)


def source(where: Place) -> Mp16Pro:
    found = source_of(where.dataset)
    assert isinstance(found, Mp16Pro)
    return found


def on_disk(folder: Path, data: bytes) -> None:
    folder.mkdir(parents=True)
    for name, part in cut_into(data).items():
        (folder / name).write_bytes(part)


def on_hub(server: RangedServer, data: bytes) -> None:
    for name, part in cut_into(data).items():
        server.put(f"/datasets/Jia-py/MP16-Pro/resolve/{Mp16ProSource().revision}/{name}", part)


def everything(where: Place, metadata: Path) -> list[Offer]:
    shards = range(where.dataset.shards)
    return [offer for shard in shards for offer in source(where).photos(where, shard, metadata)]


@pytest.mark.parametrize("shards", [1, 4, 60])
def test_every_photo_has_one_shard(tmp_path: Path, shards: int) -> None:
    on_disk(tmp_path / "in", tar(40))
    where = place(tmp_path / "in", shards)
    photos = everything(where, parquet(facts(*ids(40)), tmp_path))
    assert all(isinstance(each, Photo) for each in photos)
    assert [each.photo_id for each in photos] == ids(40)
    assert [each.data for each in photos if isinstance(each, Photo)] == [encoded(n) for n in range(40)]
    assert [each.lat for each in photos if isinstance(each, Photo)] == [float(n) for n in range(40)]


def test_the_seams_are_proved_by_ledgers(tmp_path: Path) -> None:
    on_disk(tmp_path / "in", tar(40))
    where, metadata = place(tmp_path / "in", 5), parquet(facts(*ids(30)), tmp_path)
    origins, stored = [], 0
    for shard in range(5):
        made = write_shard(tmp_path / "tar", "mp16", str(shard), source(where).photos(where, shard, metadata))
        origins.append(made.ledger["origin"].to_list())
        stored += made.manifest.height
    assert source(where).open_seams(where, origins) == []
    lost = [origins[0], origins[1][:-1], *origins[2:]]  # a ledger that lacks its last member
    (open_seam,) = source(where).open_seams(where, lost)
    assert open_seam.shard == 2 and open_seam.found is not None and open_seam.expected < open_seam.found
    assert source(where).observed(where, 2)["first byte"] == str(open_seam.expected), "so it is out of date"
    (where.incoming / "first-bytes.json").unlink()
    assert [each.shard for each in source(where).open_seams(where, [*origins[:4], []])] == [4]
    assert stored == 30


def test_what_is_no_listed_photo_has_a_name(tmp_path: Path) -> None:
    more = (("images/x.txt", b"text"), ("/etc/y.jpg", b"y"), ("images/nobody.jpg", b"n"))
    on_disk(tmp_path / "in", tar(2, more))
    metadata = parquet(facts(*ids(2), "y", refused={ids(2)[1]: "no_country"}), tmp_path)
    found = everything(place(tmp_path / "in", 1), metadata)
    told = [(each.photo_id, str(each.fate)) for each in found if isinstance(each, Rejected)]
    expected = [
        (ids(2)[1], "no_country"),
        ("x.txt", "unlisted"),
        ("y", "unsafe_name"),
        ("nobody.jpg", "unlisted"),
    ]
    assert told == expected
    assert len(found) == 5 and found[0].origin.startswith("./images/e1_00_0.jpg@512+")


def test_from_the_hub_through_broken_lines(server: RangedServer, tmp_path: Path) -> None:
    on_hub(server, tar(40))
    server.faults.append(lambda request, answer: cut(7000)(request, answer) if request.number % 3 else answer)
    # Readers ahead ask for the same file, so one of them may meet the cut answers more than twice in a row.
    where = place(tmp_path / "in", 3, attempts=30)
    photos = everything(where, parquet(facts(*ids(40)), tmp_path))
    assert [each.data for each in photos if isinstance(each, Photo)] == [encoded(n) for n in range(40)]
    assert {each.authorization for each in server.requests} == {"Bearer hf_secret"}


def test_some_slices_are_no_tar(server: RangedServer, tmp_path: Path) -> None:
    on_hub(server, tar(5))
    on_disk(tmp_path / "in", tar(5))
    (tmp_path / "in" / "mp-16-images02").unlink()
    told = list[str]()
    where = place(tmp_path / "in", 1, told)
    assert len(everything(where, parquet(facts(*ids(5)), tmp_path))) == 5
    assert "lacks mp-16-images02: all slices are read from Hugging Face" in told[0]
    assert server.requests and source(where).observed(where, 0) == {}


def test_terms_are_told_without_the_token(server: RangedServer, tmp_path: Path) -> None:
    server.faults.append(status(401))
    where = place(tmp_path / "in", 1)
    message = r"accept the terms on the page of Jia-py/MP16-Pro on Hugging Face .*set HF_TOKEN"
    with pytest.raises(AccessDenied, match=message) as caught:
        everything(where, parquet(facts(), tmp_path))
    assert "hf_secret" not in str(caught.value)
    with pytest.raises(AccessDenied, match=message):
        source(where).metadata(where)


def test_damage_is_named_with_its_slice(tmp_path: Path) -> None:
    data = bytearray(tar(10))
    data[5] ^= 1
    on_disk(tmp_path / "in", bytes(data))
    with pytest.raises(BrokenTar, match=r"mp-16-images00 at byte 0 .*damaged"):
        everything(place(tmp_path / "in", 1), parquet(facts(), tmp_path))


def test_a_tar_within_the_tar_does_not_pass_unseen(tmp_path: Path) -> None:
    inner = tar_of([(f"i{number}.jpg", b"i" * 3000) for number in range(200)])
    data = tar_of([("a.jpg", b"a" * 300_000), ("b.jpg", inner), *[(f"{n}.jpg", b"n") for n in range(300)]])
    on_disk(tmp_path / "in", data)
    where, metadata = place(tmp_path / "in", 2), parquet(facts(), tmp_path)
    first = list(source(where).photos(where, 0, metadata))
    with pytest.raises(
        BrokenTar,
        match=r"lies within a member that is a tar itself: then write .* where shard 0 ends, and run again",
    ):
        list(source(where).photos(where, 1, metadata))
    end = end_of(each.origin for each in first)
    (where.incoming / "first-bytes.json").write_text(json.dumps({"1": end}))
    again = list(source(where).photos(where, 1, metadata))
    origins = [[each.origin for each in shard] for shard in (first, again)]
    assert source(where).open_seams(where, origins) == []
    (where.incoming / "first-bytes.json").unlink()
    assert [each.expected for each in source(where).open_seams(where, origins)] == [end]
    assert json.loads((where.incoming / "first-bytes.json").read_text()) == {"1": end}, (
        "noted for its next making"
    )
    assert [each.photo_id for each in [*first, *again]] == [
        "a.jpg",
        "b.jpg",
        *(f"{n}.jpg" for n in range(300)),
    ]


def test_the_csv_is_fetched_once_and_read(server: RangedServer, tmp_path: Path) -> None:
    rows = ["4f/a0/3963216890.jpg,a,47.217578,7.542092,1,1,1,0,0,0,,Solothurn,,,,Switzerland,ch,",
            "e1/00/0.jpg,b,10.5,20.5,1,1,1,0,0,0,,,,,,,,"]  # fmt: skip
    csv = "\n".join([f"{HEADER},{PLACES}", *rows]).encode()
    name = "metadata/MP16_Pro_places365.csv"
    server.put(f"/datasets/Jia-py/MP16-Pro/resolve/{Mp16ProSource().revision}/{name}", csv)
    where = place(tmp_path / "in", 1)
    assert source(where).observed(where, None) == {}
    table = source(where).metadata(where).table
    assert table["photo_id"].to_list() == ["4f/a0/3963216890.jpg", "e1/00/0.jpg"]
    assert table["refused"].to_list() == [None, "no_country"]
    server.requests.clear()
    assert source(where).metadata(where).table.equals(table) and not server.requests
    assert list(source(where).observed(where, None)) == ["MP16_Pro_places365.csv"]
