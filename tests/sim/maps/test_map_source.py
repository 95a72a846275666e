"""Reading map files: what is refused and what the refusal says."""

import gzip
from pathlib import Path

import pytest

from drivevla.errors import DataError
from drivevla.sim.maps import read_map, source
from drivevla.sim.maps.source import map_name

ROAD = (
    '<road id="7" length="10"><planView><geometry s="0"/></planView>'
    '<lanes><laneSection s="0"><center><lane id="0"/></center></laneSection></lanes></road>'
)
SMALL = f'<?xml version="1.0"?>\n<OpenDRIVE>\n{ROAD}\n</OpenDRIVE>\n'


def write(folder: Path, text: str, name: str = "street.xodr") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_plain_file_is_named_by_its_stem(tmp_path: Path) -> None:
    found = read_map(write(tmp_path, SMALL))
    assert (found.name, found.opendrive, found.origin) == ("street", SMALL, str(tmp_path / "street.xodr"))


def test_a_packed_file_gives_the_same_text(tmp_path: Path) -> None:
    path = tmp_path / "Town77.xodr.gz"
    path.write_bytes(gzip.compress(SMALL.encode()))
    assert read_map(path).opendrive == SMALL
    assert read_map(path).name == map_name(path) == "Town77"


def test_a_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "bom.xodr"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.encode())
    assert read_map(path).opendrive == SMALL


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (SMALL.replace("</road>", ""), r"broken XML: mismatched tag at line 4, column 3"),
        (SMALL[:120], r"broken XML: unclosed token at line 3, column"),
        ("", r"broken XML: no element found at line 1"),
        ("<html><road/></html>", r"root element is <html>, not <OpenDRIVE>"),
        ("<OpenDRIVE></OpenDRIVE>", r"has no <road>"),
        (SMALL.replace('<geometry s="0"/>', ""), r"road 7 \(ends at line 3\) has no <geometry>"),
        (SMALL.replace("<OpenDRIVE>", '<!DOCTYPE x [<!ENTITY a "b">]>\n<OpenDRIVE>'), r"line 2: .*document type"),
    ],
)
def test_what_is_no_road_map_is_refused_with_the_reason(tmp_path: Path, text: str, complaint: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(DataError, match=complaint) as refused:
        read_map(path)
    assert str(path) in str(refused.value)


def test_a_gzip_bomb_is_refused_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_TEXT_BYTES", 100_000)
    path = tmp_path / "bomb.xodr.gz"
    path.write_bytes(gzip.compress(b" " * 5_000_000))
    assert path.stat().st_size < 10_000
    with pytest.raises(DataError, match="unfolds to more than 100000 bytes"):
        read_map(path)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.xodr"
    with path.open("wb") as file:
        file.truncate(source.MAX_FILE_BYTES + 1)
    with pytest.raises(DataError, match="67108865 bytes; map files of at most 67108864"):
        read_map(path)


def test_damaged_or_misnamed_files_are_refused(tmp_path: Path) -> None:
    cut = tmp_path / "cut.xodr.gz"
    cut.write_bytes(gzip.compress(SMALL.encode())[:-12])
    with pytest.raises(DataError, match="no complete gzip file"):
        read_map(cut)
    latin = tmp_path / "latin.xodr"
    latin.write_bytes("<OpenDRIVE>\n\n<!-- Straße -->".encode("latin-1"))
    with pytest.raises(DataError, match="line 3: the text is not UTF-8"):
        read_map(latin)
    with pytest.raises(DataError, match=r"must end in \.xodr or \.xodr\.gz"):
        read_map(tmp_path / "town.txt")
    with pytest.raises(DataError, match="there is no map file"):
        read_map(tmp_path / "absent.xodr")
