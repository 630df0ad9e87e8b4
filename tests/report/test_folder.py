from __future__ import annotations

import json
import math

import pytest

from isoperimetry.report import load, summary
from tests.report import folders


def damage(folder, change):
    file = folder / "results.json"
    record = json.loads(file.read_text())
    change(record)
    file.write_text(json.dumps(record))
    return folder


def refused(folder, *words):
    with pytest.raises(ValueError) as error:
        load(folder)
    text = str(error.value)
    assert all(word in text for word in words), text
    assert "\n" not in text and text.endswith(".")


def test_a_check_is_read_with_its_audits_made_again(tmp_path):
    results = load(folders.write(tmp_path / "run"))
    clean, noisy, masked = results.models
    assert (results.kind, results.name) == ("check", "run")
    assert [image.verdict for image in masked.images] == ["convicted", "convicted", "not audited"]
    assert [image.verdict for image in clean.images] == ["consistent", "consistent", "not audited"]
    assert (clean.n_convicted, masked.n_convicted) == (0, 2)
    assert noisy.images[2].audit.bound == math.inf and noisy.images[2].prediction == math.inf
    assert math.isnan(clean.images[2].sigma) and math.isnan(clean.images[2].nearest)
    stored = json.loads((tmp_path / "run" / "results.json").read_text())["models"][2]
    assert masked.audits[0].to_dict() == stored["images"][0]["audit"]
    assert masked.images[0].p_value == stored["family"]["adjusted_p_values"][0]
    # the other attack is at .54 of the half-space distance, the bound a little beyond that
    assert clean.bound_share == pytest.approx(clean.images[0].best_noisy_median() / clean.audits[0].bound, rel=0.01)


def test_a_reproduction_is_read_with_its_parts(tmp_path):
    results = load(folders.reproduction(tmp_path / "all"))
    assert [part.name for part in results.leaves()] == ["fashion-mnist", "cifar10"]
    first = results.parts[0]
    assert first.thesis and first.corruptions and results.defects and first.windows["clean"]["wrong"].shape == (11, 11)


def test_what_is_no_results_folder_is_refused(tmp_path):
    refused(tmp_path / "none", "is no folder")
    refused(tmp_path, "holds no results.json")
    (tmp_path / "store").mkdir()
    refused(tmp_path, "has not finished")
    (tmp_path / "results.json").write_text('{"anything": 1}')
    refused(tmp_path, "is no record")
    (tmp_path / "results.json").write_text("[1]")
    refused(tmp_path, "no object")
    (tmp_path / "results.json").write_text('{"models": NaN}')
    refused(tmp_path, "NaN")


@pytest.mark.parametrize("part", [0.3, 0.99])
def test_a_file_that_is_cut_off_is_refused(tmp_path, part):
    file = folders.write(tmp_path / "run") / "results.json"
    text = file.read_text()
    file.write_text(text[: int(part * len(text))])
    refused(tmp_path / "run", "cut off")


def test_a_file_of_pictures_that_is_cut_off_is_refused(tmp_path):
    folder = folders.write(tmp_path / "run", with_pictures=True)
    whole = (folder / "pictures.npz").read_bytes()
    (folder / "pictures.npz").write_bytes(whole[: len(whole) // 2])
    refused(folder, "pictures.npz", "cut off")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: r.update(format=2), ["format=2", "format=1"]),
        (lambda r: r.update(models=7), ["'models'"]),
        (lambda r: r["models"][0].pop("bounds"), ["'clean'", "'bounds' is missing"]),
        (lambda r: r["models"][0]["images"][1].pop("sigma"), ["'clean'", "image 1", "'sigma' is missing"]),
        (lambda r: r["models"][0]["images"][1].update(sigma="wide"), ["image 1", "'wide' is no number"]),
        (lambda r: r["models"][1].update(name="clean"), ["different models", "'clean'", "f-clean", "f-noisy"]),
        (lambda r: r["models"][1].update(name="clean", fingerprint="f-clean"), ["the same model twice"]),
    ],
)
def test_damaged_records_are_refused(tmp_path, change, words):
    refused(damage(folders.write(tmp_path / "run"), change), *words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda i: i["audit"].update(verdict="consistent"), ["verdict", "'attack failing'"]),
        (lambda i: i["audit"].update(p_value=0.5), ["p-value", "0.5"]),
        (lambda i: i["audit"].update(bound=9.0), ["bound is 9"]),
        (lambda i: i["audit"].update(n_within=7), ["number within the bound is 7"]),
        (lambda i: i["noisy_distances"].update(PGD=[0.01] * 40), ["verdict", "'consistent'"]),
        (lambda i: i.update(errors=300), ["counts of its audit"]),
    ],
)
def test_a_verdict_that_does_not_follow_from_its_numbers_is_refused(tmp_path, change, words):
    folder = folders.write(tmp_path / "run")
    refused(damage(folder, lambda r: change(r["models"][2]["images"][0])), "'masked'", "image 0", *words)


def test_a_family_that_does_not_follow_from_its_audits_is_refused(tmp_path):
    folder = folders.write(tmp_path / "run")
    refused(damage(folder, lambda r: r["models"][2]["family"].update(convicted=[])), "'masked'", "convicts 0")


def test_a_reproduction_that_lists_what_is_not_there_is_refused(tmp_path):
    folder = folders.reproduction(tmp_path / "all")
    refused(damage(folder, lambda r: r.update(subjects=["imagenet"])), "'imagenet'")
    refused(damage(folder, lambda r: r.update(subjects=["../all"])), "'../all'")


def test_a_gate_is_judged_again_and_told_first(tmp_path):
    gate = {"model": "clean", "errors": 60, "trials": 6000, "limit": 0.0147, "max_error": 0.02, "confidence": 0.999}
    folder = folders.write(tmp_path / "run", gates=[gate | {"met": True, "wrong": 2}])
    assert summary(load(folder))["headline"].startswith("The gate is met. PGD provably")
    (told,) = load(folder).gates
    assert "at most 0.014" in told["sentence"] and "2 images are wrong without noise" in told["sentence"]
    damage(folder, lambda r: r["gates"][0].update(max_error=0.01, met=False))
    assert summary(load(folder))["headline"].startswith("The gate is not met by clean.")
    refused(damage(folder, lambda r: r["gates"][0].update(met=True)), "gate for 'clean'")
    refused(damage(folder, lambda r: r["gates"][0].pop("trials")), "'trials'")


@pytest.mark.parametrize("entry", [{"errors": {"fog": [1]}}, {"errors": {"fog": [9]}, "trials": 3}, {"trials": 3}, 7])
def test_corruptions_of_another_kind_are_refused(tmp_path, entry):
    folder = folders.write(tmp_path / "run")
    (folder / "corruptions.json").write_text(json.dumps({"format": 1, "models": {"clean": entry}}))
    refused(folder, "corruptions.json", "'trials'")
