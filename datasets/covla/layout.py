"""Where the full and the mini release keep things."""

import csv
import json
import tarfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from drivevla.datasets.covla.records import PICTURE_PX, read_records
from drivevla.errors import DataError

__all__ = ["KINDS", "Layout"]

KINDS = ("states", "captions", "front_car", "traffic_lights")


@dataclass(frozen=True, slots=True)
class Layout:
    """One release in a folder.

    Attributes:
        root: The folder.
        mini: Whether it is the mini release.
    """

    root: Path
    mini: bool

    @classmethod
    def find(cls, root: Path) -> "Layout":
        """Tell the release from its index.

        Raises:
            DataError: There is neither ``index.csv`` (mini) nor ``metadata.jsonl`` (full).
        """
        if (root / "index.csv").exists():
            return cls(root, mini=True)
        if (root / "metadata.jsonl").exists():
            return cls(root, mini=False)
        raise DataError(f"{root} holds neither index.csv (CoVLA mini) nor metadata.jsonl (CoVLA)")

    def scenes(self) -> dict[str, int | None]:
        """Names in the index, in its order, each with how many frames the index lists; None in the full release.

        Raises:
            DataError: The index is broken.
        """
        if not self.mini:
            records = read_records(self.root / "metadata.jsonl")
            missing = [str(index) for index, record in enumerate(records) if "video_id" not in record]
            if missing:
                raise DataError(f"{self.root / 'metadata.jsonl'}: no video_id in record {missing[0]}")
            return dict.fromkeys(str(record["video_id"]) for record in records)
        with (self.root / "index.csv").open(newline="", encoding="utf-8") as lines:
            table = csv.DictReader(lines)
            if "video_id" not in (table.fieldnames or ()):
                raise DataError(f"{self.root / 'index.csv'} has no column video_id")
            counts = Counter(row["video_id"] for row in table)
        return dict(counts)

    def image_size_px(self) -> tuple[int, int]:
        """Width and height that the metadata state; CoVLA's own where the release states none."""
        path = self.root / "metadata.json"
        if not self.mini or not path.exists():
            return PICTURE_PX
        width, height = json.loads(path.read_text())["image_size"]
        return int(width), int(height)

    def records(self, kind: str, scene: str) -> Path:
        """The file of one kind of records; it need not exist."""
        return self.root / kind / f"{scene}.jsonl"

    def video(self, scene: str) -> Path:
        """The film of a scene."""
        return self.root / ("video_samples" if self.mini else "videos") / f"{scene}.mp4"

    def picture(self, scene: str, frame: int) -> Path:
        """A picture, where pictures were unpacked."""
        return self.root / "images" / scene / f"{frame:04d}.png"

    def archive(self, scene: str) -> Path:
        """Pictures of a scene as mini brings them."""
        return self.root / "images" / f"{scene}.tar.gz"

    def picture_in_archive(self, scene: str, frame: int) -> bytes | None:
        """A picture's bytes from the archive; None where there is no archive.

        Raises:
            DataError: The archive is broken or lacks the picture.
        """
        path = self.archive(scene)
        if not path.exists():
            return None
        try:
            with tarfile.open(path) as archive:
                member = archive.extractfile(f"{scene}/{frame:04d}.png")
                if member is not None:
                    return member.read()
        except (tarfile.TarError, EOFError, OSError, KeyError) as error:
            raise DataError(f"{path} does not give {scene}/{frame:04d}.png: {error}") from error
        raise DataError(f"{path}: {scene}/{frame:04d}.png is no file")
