"""Mappings: every slip of whoever writes one gets a sentence that names the key and the cure."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli_w

from usagecost.sources.mapping import mapping_of, read_mapping
from usagecost.sources.mapping_keys import MappingProblem, Value

TIME = '[columns]\nstarted_at = "t"\n'


def problem(folder: Path, toml: str) -> str:
    path = folder / "mapping.toml"
    path.write_text(toml)
    with pytest.raises(MappingProblem) as found:
        read_mapping(path)
    return str(found.value).removeprefix(f"The mapping {path}: ")


def test_a_missing_mapping_is_told(tmp_path: Path):
    with pytest.raises(MappingProblem) as found:
        read_mapping(tmp_path / "no.toml")

    assert str(found.value) == f"The mapping {tmp_path / 'no.toml'} does not exist: check the path after --mapping."


def test_what_is_no_toml_is_told_with_its_place(tmp_path: Path):
    sentence = problem(tmp_path, "[columns]\nstarted_at = TIMESTAMP\n")

    assert "is no TOML: Invalid value (at line 2, column 14). Texts stand in quotation marks." in sentence


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ('time_units = "ms"\n' + TIME, "time_units is no key: did you mean time_unit?"),
        ('[columns]\nstarted = "t"\n', "started is no column of the record: did you mean started_at?"),
        (TIME + 'list_cost_usd = "c"\n', "list_cost_usd is no column of the record: did you mean reported_cost_usd?"),
        ('[columns]\nmodel = "m"\n', "[columns] lacks started_at: say which column holds the time of a request."),
        (TIME + "model = 5\n", "[columns] model is 5: it has to be a text in quotation marks."),
        ('columns = "t"\n', "columns has to be a table: a line [columns], and its entries below."),
        (TIME + '[constants]\nstarted_at = "x"\n', "started_at stands under [columns] and under [constants]: keep one of them."),
        (TIME + "[constants]\nmodel = [1]\n", "[constants] has to hold texts, numbers, true or false."),
        ('time_unit = "minutes"\n' + TIME, "time_unit is 'minutes': it has to be one of iso, s, ms, us, ns."),
        ('duration_unit = "h"\n' + TIME, "duration_unit is 'h': it has to be one of ms, s, us, ns."),
        ('cost_unit = "eur"\n' + TIME, "cost_unit is 'eur': it has to be one of usd, cents, nano."),
        ('timezone = "Berlin"\n' + TIME, "timezone 'Berlin' is no time zone: use an IANA name such as Europe/Berlin."),
        ('delimiter = ";;"\n' + TIME, "delimiter is ';;': it is one ASCII character."),
        ('attributes = "a"\n' + TIME, 'attributes has to be a list of columns, such as ["region"].'),
        (TIME + '[statuses]\nOK = "good"\n', "[statuses] OK is 'good': it has to be one of success, error, cancelled."),
        (
            TIME + 'cache_read_tokens = "r"\n',
            "input_includes_cache_read is missing: cache_read_tokens is mapped, "
            "so say with true or false whether the count includes it.",
        ),
        (
            'input_includes_cache_read = "no"\n' + TIME,
            "input_includes_cache_read is 'no': it has to be true or false, without quotation marks.",
        ),
    ],
)
def test_a_slip_gets_a_sentence(tmp_path: Path, toml: str, sentence: str):
    assert problem(tmp_path, toml) == sentence


def test_a_mapping_may_begin_with_a_byte_order_mark(tmp_path: Path):
    (tmp_path / "m.toml").write_text("\ufeff" + TIME)

    assert read_mapping(tmp_path / "m.toml").columns == {"started_at": Value(("t",))}


def test_keys_become_the_toml_that_a_person_would_write():
    keys = {
        "source": "gateway",
        "input_includes_cache_read": False,
        "attributes": ["region"],
        "columns": {"started_at": "Zeit (UTC)", "model": "model"},
        "statuses": {"all fine": "success"},
    }

    assert tomli_w.dumps(keys) == (
        'source = "gateway"\ninput_includes_cache_read = false\nattributes = [\n    "region",\n]\n'
        '\n[columns]\nstarted_at = "Zeit (UTC)"\nmodel = "model"\n\n[statuses]\n"all fine" = "success"\n'
    )
    assert mapping_of(keys).columns == {"started_at": Value(("Zeit (UTC)",)), "model": Value(("model",))}
