"""Mappings: every slip of whoever writes one gets a sentence that names the line, the key and the cure."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli_w

from usagecost.sources.mapping import MappingProblem, Value, mapping_of, read_mapping

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

    assert sentence.startswith("this is no TOML: Invalid value (at line 2, column 14). Texts stand in quotation marks")


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ('time_units = "ms"\n' + TIME, "line 1, time_units is 'ms': there is no such key; did you mean time_unit?"),
        ('[columns]\nstarted = "t"\n', "line 1, columns: started is no column of the record: did you mean started_at?"),
        (
            TIME + 'list_cost_usd = "c"\n',
            "line 1, columns: list_cost_usd is no column of the record: did you mean reported_cost_usd?",
        ),
        ('[columns]\nmodel = "m"\n', "line 1, columns: started_at is missing: say which column holds the time of a request."),
        (TIME + "model = 5\n", "line 3, model is '5': it has to be a text in quotation marks, or a list of such."),
        (TIME + 'model.sql = ""\n', "line 3, model: sql and column have to be texts in quotation marks."),
        (TIME + 'units.Web = "x"\n', "line 1, columns: units.Web: a unit has a name such as web_searches, in small letters."),
        (
            TIME + '"units.web_searches" = "x"\nunits.sql = "y"\n',
            "line 1, columns: units stands there beside one of them, such as units.web_searches: keep one of the two ways.",
        ),
        ('columns = "t"\n', "line 1, columns is 't': it has to be a table: its name in brackets, and its entries below."),
        (TIME + '[constants]\nstarted_at = "x"\n', "started_at stands under [columns] and under [constants]: keep one of them."),
        (TIME + "[constants]\nmodel = [1]\n", "line 4, model: it has to be a text, a number, true or false."),
        (TIME + "[constants]\nmodell = 1\n", "line 3, constants: modell is no column of the record: did you mean model?"),
        ('time_unit = "minutes"\n' + TIME, "line 1, time_unit is 'minutes': it should be 'iso', 's', 'ms', 'us' or 'ns'."),
        (
            'timezone = "Berlin"\n' + TIME,
            "line 1, timezone is 'Berlin': that is no time zone: use an IANA name such as Europe/Berlin.",
        ),
        ('delimiter = ";;"\n' + TIME, "line 1, delimiter is ';;': it is one ASCII character."),
        (TIME + '[statuses]\nOK = "good"\n', "line 4, OK is 'good': it should be 'success', 'error' or 'cancelled'."),
        (
            TIME + 'cache_read_tokens = "r"\n',
            "input_includes_cache_read is missing: cache_read_tokens is mapped, "
            "so say with true or false whether the count includes it.",
        ),
        (
            'input_includes_cache_read = "no"\n' + TIME,
            "line 1, input_includes_cache_read is 'no': it has to be true or false.",
        ),
        (TIME + '[fields]\nn = {sql = "1"}\n', "line 4, n: it has to be a text in quotation marks, or a list of such."),
        ('recognise = "id"\n' + TIME, 'line 1, recognise is \'id\': it has to be a list, such as ["a", "b"].'),
        ('recognise = [["id"], []]\n' + TIME, "line 1, recognise: it cannot be empty."),
        (
            TIME + '[[variants]]\ncost_unit = "usd"\n',
            "line 3, variants: each has to say of which files it is: by names, or by fraction.",
        ),
        (
            TIME + '[[variants]]\nnames = ["a"]\ncost_unit = "eur"\n',
            "line 3, cost_unit is 'eur': it should be 'usd', 'cents' or 'nano'.",
        ),
        ("plain_numbers = 1\n" + TIME, "line 1, plain_numbers is '1': it has to be true or false."),
        (TIME + '[numbers]\nmodel = "1.234,5"\n', "[numbers] model is no mapped column of counts, costs or durations."),
        (
            TIME + 'input_tokens = "n"\n[numbers]\ninput_tokens = "comma"\n',
            "line 5, input_tokens is 'comma': write 1234.5 as the column does, such as \"1.234,5\".",
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
