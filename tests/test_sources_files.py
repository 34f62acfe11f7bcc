"""Files as they come: packed, damaged, cut off, with bytes that do not belong there. What can be read is read."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.source_rows import Row, json_lines, read, rejects, requests
from usagecost.sources import FileProblem, Head, lines
from usagecost.sources.files import ByteStream
from usagecost.sources.lines import line_blocks
from usagecost.sources.mapped import Table

NO_JSON = "This line is no whole JSON object: it was cut off or damaged. Get a whole copy of the file."
NUL = "There are NUL bytes in this line: it was damaged when it was written or copied. Get a whole copy of the file."
NOT_UTF8 = "This line is not UTF-8: convert the file, for example with iconv -f WINDOWS-1252 -t UTF-8."
CUT_OFF = "The file is cut off: its gzip data ends in the middle. Get a whole copy of it."


def usage(model: str = "m") -> Row:
    return {"request_id": model, "started_at": "2026-05-01T10:00:00Z", "model": model}


def incompressible(count: int) -> str:
    random = np.random.default_rng(7)
    return "".join(f"{number},2026-05-01,{random.bytes(40).hex()}\n" for number in range(count))


def test_gzip_and_zstd_are_read_whatever_the_name(tmp_path: Path):
    plain = json_lines(tmp_path / "a.jsonl", [usage("a"), usage("b")])
    (tmp_path / "b.log").write_bytes(gzip.compress(plain.read_bytes()))
    (tmp_path / "c").write_bytes(pa.compress(plain.read_bytes(), "zstd", asbytes=True))

    for name in ("a.jsonl", "b.log", "c"):
        assert requests(read(Table(), tmp_path / name), "model") == [("a",), ("b",)]


def test_gzip_members_one_after_the_other_are_one_file(tmp_path: Path):
    plain = json_lines(tmp_path / "a.jsonl", [usage("a")]).read_bytes()
    (tmp_path / "a.gz").write_bytes(gzip.compress(plain) + gzip.compress(plain.replace(b'"a"', b'"b"')) + b"\0" * 100)

    assert requests(read(Table(), tmp_path / "a.gz"), "model") == [("a",), ("b",)]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_of_a_truncated_gzip_the_whole_lines_are_read(tmp_path: Path, share: float):
    text = "request_id,started_at,model\n" + incompressible(5_000)
    packed = gzip.compress(text.encode())
    (tmp_path / "a.csv.gz").write_bytes(packed[: int(len(packed) * share)])

    batch = read(Table(), tmp_path / "a.csv.gz")

    assert 0.2 * 5_000 < batch.requests.num_rows < 5_000
    assert {len(model) for (model,) in requests(batch, "model")} == {80}
    assert rejects(batch) == [(None, CUT_OFF)]


def test_a_truncated_gzip_of_json_lines_rejects_no_line_for_it(tmp_path: Path):
    plain = json_lines(tmp_path / "a.jsonl", [usage(str(number)) for number in range(500)])
    packed = gzip.compress(plain.read_bytes())
    (tmp_path / "a.gz").write_bytes(packed[:-200])

    batch = read(Table(), tmp_path / "a.gz")

    assert batch.requests.num_rows > 0
    assert rejects(batch) == [(None, CUT_OFF)]


def test_a_damaged_gzip_is_read_until_there(tmp_path: Path):
    packed = bytearray(gzip.compress(("request_id,started_at,model\n" + incompressible(50_000)).encode()))
    packed[len(packed) // 2] ^= 0xFF
    (tmp_path / "a.gz").write_bytes(packed)

    batch = read(Table(), tmp_path / "a.gz")

    assert (None, "The file is damaged: its gzip data cannot be unpacked from some point on. Get a whole copy of it.") in rejects(
        batch
    )
    assert batch.requests.num_rows > 10_000


def test_a_truncated_zstd_is_told(tmp_path: Path):
    packed = pa.compress(("request_id,started_at,model\n" + incompressible(50_000)).encode(), "zstd", asbytes=True)
    (tmp_path / "a").write_bytes(packed[: len(packed) // 2])

    assert rejects(read(Table(), tmp_path / "a")) == [
        (None, "The file is damaged or cut off: its zstd data cannot be unpacked to its end. Get a whole copy of it.")
    ]


def test_a_broken_line_in_the_middle_is_rejected_and_the_others_are_read(tmp_path: Path):
    file = json_lines(tmp_path / "a.jsonl", [usage("a"), '{"request_id": "b", "star', usage("c"), "[1, 2]", "17", usage("d")])

    batch = read(Table(), file)

    assert requests(batch, "model") == [("a",), ("c",), ("d",)]
    assert rejects(batch) == [(2, NO_JSON), (4, NO_JSON), (5, NO_JSON)]
    assert batch.rejects["raw"].to_pylist() == ['{"request_id": "b", "star', "[1, 2]", "17"]


def test_blank_lines_and_spaces_before_an_object_are_no_problem(tmp_path: Path):
    file = json_lines(tmp_path / "a.jsonl", ["", '  {"started_at": "2026-05-01", "model": "a"}', " \t", ""])

    batch = read(Table(), file)

    assert (requests(batch, "model"), batch.lines, batch.skipped, rejects(batch)) == ([("a",)], 4, 3, [])


def test_lines_with_bytes_that_are_no_text_are_rejected_by_number(tmp_path: Path):
    file = json_lines(tmp_path / "a.jsonl", [usage("a"), usage("é"), usage("b"), usage("xyz"), usage("c")])
    file.write_bytes(file.read_bytes().replace(b"\\u00e9", b"\xe9").replace(b"xyz", b"x\0z"))

    batch = read(Table(), file)

    assert requests(batch, "model") == [("a",), ("b",), ("c",)]
    assert rejects(batch) == [(2, NOT_UTF8), (4, NUL)]


def test_rows_with_bytes_that_are_no_text_are_rejected_by_number(tmp_path: Path):
    file = tmp_path / "a.csv"
    file.write_bytes(b"started_at,model\n2026-05-01,a\n2026-05-01,\xe9\n2026-05-01,x\0y\n2026-05-01,b\n")

    batch = read(Table(), file)

    assert requests(batch, "model") == [("a",), ("b",)]
    assert rejects(batch) == [(3, NOT_UTF8), (4, NUL)]


def test_nul_bytes_around_a_line_which_rotated_logs_have_are_ignored(tmp_path: Path):
    file = json_lines(tmp_path / "a.jsonl", [usage("a"), usage("b")])
    file.write_bytes(b"\0" * 5_000 + file.read_bytes() + b"\0" * 100)

    batch = read(Table(), file)

    assert (requests(batch, "model"), rejects(batch)) == ([("a",), ("b",)], [])


def test_a_line_of_50_mb_is_rejected_and_the_others_are_read(tmp_path: Path):
    huge = {**usage("huge"), "prompt": "x" * 50_000_000}
    file = json_lines(tmp_path / "a.jsonl", [usage("a"), huge, usage("b")])

    batch = read(Table(), file)

    sentence = "This line is 50.0 MB long, and only lines of up to 16.8 MB are read: let the log leave out the contents."
    assert requests(batch, "model") == [("a",), ("b",)]
    assert rejects(batch) == [(2, sentence)]
    assert len(batch.rejects["raw"][0].as_py()) == 10_000


def test_a_row_of_50_mb_is_rejected_and_the_others_are_read(tmp_path: Path):
    file = tmp_path / "a.csv"
    file.write_text("started_at,model\n2026-05-01,a\n2026-05-01," + "x" * 50_000_000 + "\n2026-05-01,b\n")

    batch = read(Table(), file)

    assert requests(batch, "model") == [("a",), ("b",)]
    assert [line for line, _ in rejects(batch)] == [3]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty: there is nothing to read."),
        (b"\xef\xbb\xbf", "is empty: there is nothing to read."),
        (gzip.compress(b"", mtime=0), "is empty: there is nothing to read."),
        (b"PK\x03\x04rest", "is a zip archive: unpack it first; gzip and zstd are read as they are."),
        (b"BZh91AY&SY", "is packed with bzip2: unpack it first; gzip and zstd are read as they are."),
        ("a,b\n".encode("utf-16"), "is UTF-16: convert it to UTF-8, for example with iconv -f UTF-16 -t UTF-8."),
    ],
)
def test_a_file_that_cannot_be_read_at_all_gets_a_sentence(tmp_path: Path, content: bytes, sentence: str):
    (tmp_path / "a").write_bytes(content)

    with pytest.raises(FileProblem) as problem:
        Head.of(tmp_path / "a")

    assert str(problem.value) == sentence


def test_a_missing_file_gets_a_sentence(tmp_path: Path):
    with pytest.raises(FileProblem, match=r"^does not exist: check the path\.$"):
        Head.of(tmp_path / "a")


def test_a_parquet_file_that_is_not_whole_gets_a_sentence(tmp_path: Path):
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"started_at": ["2026-05-01"], "model": ["m"]}), tmp_path / "a.parquet")
    (tmp_path / "a.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-30])

    (line, reason), *more = rejects(read(Table(), tmp_path / "a.parquet"))

    assert (line, more) == (None, [])
    assert reason.startswith("The file is a damaged Parquet file, or not whole (")
    assert reason.endswith("). Get a whole copy of it.")


def test_a_file_that_ends_without_a_newline_is_whole(tmp_path: Path):
    file = json_lines(tmp_path / "a.jsonl", [usage("a"), usage("b")])
    file.write_bytes(file.read_bytes().rstrip(b"\n"))

    assert read(Table(), file).requests.num_rows == 2


def test_many_small_files_are_read_together(tmp_path: Path):
    files = [json_lines(tmp_path / f"{number}.jsonl", [usage(str(number)), "broken"]) for number in range(50)]

    batch = read(Table(), *files)

    assert sorted(batch.requests["source_file"].to_pylist()) == sorted(map(str, files))
    assert sorted(batch.rejects["source_file"].to_pylist()) == sorted(map(str, files))
    assert set(batch.rejects["line"].to_pylist()) == {2}


@given(st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), min_size=1), st.integers(1, 64))
def test_blocks_hold_every_line_with_its_number_whatever_their_size(tmp_path_factory: pytest.TempPathFactory, texts, size):
    text = b"\n".join(texts)
    path = tmp_path_factory.mktemp("lines") / "a"
    path.write_bytes(b"start\n" + text + b"\n")

    found = {}
    for block in line_blocks(ByteStream(path, size)):
        for row in block.table().to_pylist():
            found[row["line"]] = block.unreadable.get(row["line"], row["text"].removesuffix("\n"))

    assert list(found) == list(range(1, len(texts) + 2))
    for number, line in enumerate(texts, 2):
        stripped = line.strip(b"\0")
        if b"\0" in stripped:
            assert found[number].reason == NUL
        else:
            try:
                expected = stripped.decode()
            except UnicodeDecodeError:
                assert found[number].reason == NOT_UTF8
            else:
                assert found[number] == expected


@given(st.lists(st.integers(0, 100), min_size=1, max_size=30), st.integers(8, 64))
def test_a_line_is_too_long_by_its_length_alone(tmp_path_factory: pytest.TempPathFactory, lengths, size):
    path = tmp_path_factory.mktemp("lines") / "a"
    path.write_bytes(b"".join(b"x" * length + b"\n" for length in lengths))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "MOST_LINE_BYTES", 64)
        blocks = list(line_blocks(ByteStream(path, size)))

    unreadable = sorted(line for block in blocks for line in block.unreadable)
    assert unreadable == [number for number, length in enumerate(lengths, 1) if length + 1 > 64]


def test_unpacking_is_bounded(tmp_path: Path):
    path = tmp_path / "bomb.gz"
    packer = zlib.compressobj(9, wbits=31)
    path.write_bytes(b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(100)) + packer.flush())

    sizes = [len(block) for block in ByteStream(path, 1 << 16)]

    assert (max(sizes), sum(sizes)) == (1 << 16, 100 << 20)
