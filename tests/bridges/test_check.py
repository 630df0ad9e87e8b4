"""The check of a model: what it records is what was measured, and what it says in words is true."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from isoperimetry.bounds import halfspace_distance
from isoperimetry.checks import AuditVerdict, audit_attack, audit_many
from isoperimetry.special import ndtr
from isoperimetry_bridges.torch import (
    CheckSettings,
    Classifier,
    DecoupledDirectionNorm,
    ModelCheck,
    NearestErrors,
    ProjectedGradient,
    Transfer,
    attacks,
    audit,
    check_model,
    find_sigma,
)
from isoperimetry_bridges.torch.reading import reading
from isoperimetry_bridges.torch.summary import WIDE, image_tables, model_table

SMALL = CheckSettings(error_rate=0.02, n_search=300, n_samples=3000, n_starts=40)
FIXED = CheckSettings(sigma=0.4, n_samples=3000, n_starts=40)
DISTANCE = 0.85


def run(module: Any, count: int = 1, settings: CheckSettings = SMALL, **options: Any) -> ModelCheck:
    return check_model(Classifier(module), torch.full((count, 1, 4, 4), 0.5), [0] * count, settings=settings, **options)


def text(*models: ModelCheck, settings: CheckSettings) -> str:
    """Return the tables as they are printed, without line breaks inside cells."""
    console = Console(width=250, record=True, file=None, quiet=False)
    with console.capture() as capture:
        for model in models:
            console.print(*image_tables(model, settings, width=WIDE))
        console.print(model_table(models, settings))
    return capture.get()


# --- what is recorded -------------------------------------------------------------------------------------------------


def test_a_half_space(exact: Any, seed: int) -> None:
    result = run(exact.half_space(DISTANCE), 4, rng=seed)
    assert result.n_convicted == 0
    assert result.convicted_images() == ()
    assert len(result.audited) == 4
    assert (result.attack, result.others) == ("PGD", ("tangent",))
    for image in result.images:
        assert image.status == "bracketed"
        assert image.search is not None
        assert image.audit is not None
        assert image.error_rate is not None
        assert image.sigma == image.search.sigma
        # The truth is known: all attacks reach it, and the prediction's interval has it (95 %, and 4 images: loosely).
        assert list(image.clean_distances.values()) == pytest.approx([DISTANCE] * 2, rel=1e-3)
        assert image.prediction == pytest.approx(halfspace_distance(image.errors / image.trials, image.sigma))
        assert image.prediction_low < image.prediction < image.prediction_high
        assert 0.85 * DISTANCE < image.prediction < 1.15 * DISTANCE
        assert image.error_rate.low < image.errors / image.trials < image.error_rate.high
        assert image.blocked == {"PGD": 0.0, "tangent": 0.0}
        assert image.noisy_distances["PGD"] == pytest.approx(image.noisy_distances["tangent"], rel=1e-3, abs=1e-4)
        assert image.noisy_median("PGD") == pytest.approx(DISTANCE, abs=0.6)
        assert image.best_noisy_median() <= image.noisy_median("PGD")


def test_it_is_made_of_the_public_parts(exact: Any, seed: int) -> None:
    # Same seed: the search, the counts and the audit are those that the functions of the bridge give.
    result = run(exact.half_space(DISTANCE), 2, rng=seed)
    classifier, images = Classifier(exact.half_space(DISTANCE)), exact.images(2)
    searches = find_sigma(classifier, images, [0, 0], error_rate=0.02, n_samples=300, rng=seed)
    assert [image.search for image in result.images] == searches
    sigmas = [search.sigma for search in searches]
    audits = audit(classifier, images, [0, 0], sigma=sigmas, n_samples=3000, n_starts=40, rng=seed)
    for image, direct in zip(result.images, audits, strict=True):
        assert image.audit is not None
        assert image.audit.errors == image.errors == direct.errors
        assert image.audit.verdict == direct.verdict
        assert image.audit.p_value == pytest.approx(direct.p_value)
        assert image.audit.distance_quantile == pytest.approx(direct.distance_quantile, rel=1e-4)


def test_the_verdict_can_be_recomputed(exact: Any, seed: int) -> None:
    for module in (exact.half_space(DISTANCE), exact.quantized(DISTANCE)):
        result = run(module, 3, rng=seed)
        again = [
            audit_attack(
                image.noisy_distances["PGD"], errors=image.errors, trials=image.trials, sigma=image.sigma,
                confidence=SMALL.confidence, conditional=False, checked=("verified", "deterministic"),
            )
            for image in result.images
        ]  # fmt: skip
        assert again == [image.audit for image in result.images]
        assert audit_many(again, confidence=SMALL.confidence) == result.family


def test_what_is_missed_on_all_images_at_once(exact: Any, seed: int) -> None:
    images = exact.images(4)
    images[1] += 0.9 * exact.normal().view(exact.shape)  # already wrong: it takes no share of the level
    result = check_model(Classifier(exact.quantized(DISTANCE)), images, [0] * 4, settings=SMALL, rng=seed)
    assert [image.image for image in result.audited] == [0, 2, 3]
    assert len(result.joint_missed) == 3
    for image, joint in zip(result.audited, result.joint_missed, strict=True):
        assert image.audit is not None
        shared = audit_attack(
            image.noisy_distances["PGD"], errors=image.errors, trials=image.trials, sigma=image.sigma,
            confidence=1 - (1 - SMALL.confidence) / 3,
        )  # fmt: skip
        assert joint == shared.missed_fraction
        assert 0 < joint < image.audit.missed_fraction
    (alone,) = (check := run(exact.quantized(DISTANCE), rng=seed)).joint_missed
    assert check.images[0].audit is not None
    assert alone == check.images[0].audit.missed_fraction
    sound = run(exact.half_space(DISTANCE), 3, rng=seed)
    assert sound.joint_missed == (0.0, 0.0, 0.0)
    assert run(exact.constant(1), 2, rng=seed).joint_missed == ()


def test_a_check_goes_on_where_it_was(exact: Any, seed: int, tmp_path: Path) -> None:
    whole = run(exact.half_space(DISTANCE), 3, FIXED, rng=seed)
    # The attack fails on its second call; what was counted and found before is kept.
    calls: list[int] = []

    @dataclasses.dataclass(frozen=True)
    class Failing(ProjectedGradient):
        fails: bool = True

        def __call__(self, *arguments: Any, **options: Any) -> Any:
            calls.append(1)
            if self.fails and len(calls) == 2:
                raise KeyboardInterrupt
            return ProjectedGradient.__call__(self, *arguments, **options)

        def __repr__(self) -> str:
            return repr(ProjectedGradient())

    settings = dataclasses.replace(FIXED, attack="pgd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(attacks.choice._NAMED, "pgd", Failing)
        with pytest.raises(KeyboardInterrupt):
            run(exact.half_space(DISTANCE), 3, settings, rng=seed, store=tmp_path / "store")
        patch.setitem(attacks.choice._NAMED, "pgd", lambda: Failing(fails=False))
        calls.clear()
        again = run(exact.half_space(DISTANCE), 3, settings, rng=seed, store=tmp_path / "store")
        resumed = len(calls)
        calls.clear()
        run(exact.half_space(DISTANCE), 3, settings, rng=seed)
        assert 0 < resumed < len(calls)
    assert again.images == whole.images
    with pytest.raises(ValueError, match="written by another model"):
        run(exact.half_space(2 * DISTANCE), 3, settings, rng=seed, store=tmp_path / "store")
    with pytest.raises(ValueError, match="rng=None"):
        run(exact.half_space(DISTANCE), 3, settings, store=tmp_path / "other")


def test_a_masked_model_is_convicted_and_transfer_finds_what_was_missed(exact: Any, seed: int) -> None:
    transfer = Transfer(source=Classifier(exact.half_space(DISTANCE), name="open"), attack=ProjectedGradient())
    result = run(exact.quantized(DISTANCE), 3, others=["ddn", transfer], rng=seed)
    assert result.n_convicted == 3
    assert [image.image for image in result.convicted_images()] == [0, 1, 2]
    for image in result.images:
        assert image.audit is not None
        assert image.audit.verdict is AuditVerdict.ATTACK_FAILING
        assert image.audit.missed_fraction > 0
        assert image.clean_distances["PGD"] == image.clean_distances["DDN"] == math.inf
        assert image.clean_distances[transfer.name] == pytest.approx(DISTANCE, rel=1e-3)
        assert math.isinf(image.noisy_median("PGD"))
        assert image.best_noisy_median() == image.noisy_median(transfer.name) < 1.2
        assert image.blocked["PGD"] == image.blocked["DDN"] > 0.9


def test_sigma_can_be_given(exact: Any, seed: int, surely: Callable[..., None]) -> None:
    result = run(exact.half_space(DISTANCE), 2, FIXED, rng=seed)
    for image in result.images:
        assert (image.status, image.search, image.sigma) == ("given", None, 0.4)
        surely(image.errors, image.trials, float(ndtr(-DISTANCE / 0.4)))


def test_the_audited_attack_can_be_chosen(exact: Any, seed: int) -> None:
    result = run(exact.half_space(DISTANCE), 1, CheckSettings(sigma=0.4, n_samples=200, n_starts=5, attack="ddn"))
    assert (result.attack, result.others) == ("DDN", ("tangent",))
    (image,) = result.images
    assert set(image.noisy_distances) == {"DDN", "tangent"}


def test_the_audited_attack_is_not_replaced_by_another_of_its_name(exact: Any, seed: int) -> None:
    settings = CheckSettings(sigma=0.4, n_samples=200, n_starts=10)
    with pytest.raises(ValueError, match="second attack called 'PGD'"):
        run(exact.half_space(DISTANCE), 1, settings, others=[ProjectedGradient(steps=1)], rng=seed)
    # The same attack again is the same attack.
    result = run(exact.half_space(DISTANCE), 1, settings, others=["pgd", "ddn", DecoupledDirectionNorm()], rng=seed)
    assert result.others == ("DDN",)
    assert result.images[0].clean_distances["PGD"] == pytest.approx(DISTANCE, rel=1e-3)


def test_images_that_cannot_be_audited_say_why(exact: Any, seed: int) -> None:
    normal = exact.normal().view(exact.shape)
    images = exact.images(3)
    images[1] += 0.9 * normal / normal.abs().max() * 0.4
    far = Classifier(exact.slab(0.3, 0.25))
    wrong = run(exact.constant(1), 2, rng=seed)
    assert [image.status for image in wrong.images] == ["already wrong"] * 2
    never = run(exact.constant(0), 2, rng=seed)
    assert [image.status for image in never.images] == ["never reached"] * 2
    for result in (wrong, never):
        assert result.audited == ()
        assert result.family is None
        assert result.n_convicted == 0
        assert "0 of 0" in str(result)
        assert all(math.isnan(image.sigma) and image.audit is None for image in result.images)
    mixed = check_model(far, images, [0, 0, 0], settings=SMALL, rng=seed)
    assert len(mixed.audited) + sum(image.audit is None for image in mixed.images) == 3


def test_it_repeats_and_images_keep_their_draws(exact: Any, seed: int) -> None:
    def numbers(result: ModelCheck) -> list[Any]:
        return [image.to_dict() for image in result.images]

    three = numbers(run(exact.half_space(DISTANCE), 3, FIXED, rng=seed))
    assert numbers(run(exact.half_space(DISTANCE), 3, FIXED, rng=seed)) == three
    assert numbers(run(exact.half_space(DISTANCE), 3, FIXED, rng=seed + 1)) != three
    (alone,) = numbers(run(exact.half_space(DISTANCE), 1, FIXED, rng=seed, image_ids=[2]))
    assert alone["errors"] == three[2]["errors"]
    assert alone["noisy_distances"] == three[2]["noisy_distances"]


def test_clip_confines_noise_and_attacks(exact: Any, seed: int) -> None:
    seen: list[torch.Tensor] = []
    module = exact.half_space(DISTANCE)
    module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach().clone()))
    settings = CheckSettings(error_rate=0.02, n_search=100, n_samples=300, n_starts=10, clip=True)
    result = run(module, 1, settings, rng=seed)
    everything = torch.cat(seen)
    assert 0.0 <= float(everything.min()) <= float(everything.max()) <= 1.0
    assert result.n_convicted == 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_gives_the_same_verdicts(exact: Any, seed: int) -> None:
    for kind, convicted in (("half_space", 0), ("quantized", 2)):
        module = getattr(exact, kind)(DISTANCE)
        on_cpu = run(module, 2, FIXED, rng=seed)
        on_gpu = check_model(
            Classifier(module, device="cuda"), exact.images(2), [0, 0], settings=FIXED, rng=seed
        )  # fmt: skip
        assert on_gpu.n_convicted == on_cpu.n_convicted == convicted
        for one, other in zip(on_gpu.images, on_cpu.images, strict=True):
            assert abs(one.errors - other.errors) <= 2  # the same draws; rounding may decide a tie
            assert one.noisy_distances["tangent"] == pytest.approx(other.noisy_distances["tangent"], rel=1e-3, abs=1e-4)


def test_the_callers_images_are_not_changed(exact: Any, seed: int) -> None:
    images = exact.images(2)
    check_model(Classifier(exact.half_space(DISTANCE)), images, [0, 0], settings=FIXED, rng=seed)
    assert torch.equal(images, exact.images(2))


def test_json(exact: Any, seed: int) -> None:
    for module in (exact.half_space(DISTANCE), exact.quantized(DISTANCE), exact.constant(1)):
        result = run(module, 2, rng=seed)
        record = json.loads(json.dumps(result.to_dict(), allow_nan=False))
        assert record["name"] == "Margin" if "normal" in module.state_dict() else "Module"
        assert record["fingerprint"] == Classifier(module).fingerprint()
        assert len(record["images"]) == 2
        assert all(seconds >= 0 for seconds in record["seconds"].values())
        assert "\n" not in str(result)
        assert all("\n" not in str(image) for image in result.images)


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "sigma": ({"sigma": 0.0}, ValueError, "sigma=0.0"),
    "infinite sigma": ({"sigma": math.inf}, ValueError, "sigma=inf"),
    "NaN sigma": ({"sigma": math.nan}, ValueError, "sigma=nan"),
    "confidence": ({"confidence": 99.9}, ValueError, r"confidence=99\.9"),
    "confidence of intervals": ({"interval_confidence": 1.0}, ValueError, "interval_confidence=1.0"),
    "error rate": ({"error_rate": 0}, ValueError, "error_rate=0"),
    "draws": ({"n_samples": 0}, ValueError, "n_samples=0"),
    "search": ({"n_search": -1}, ValueError, "n_search=-1"),
    "starts": ({"n_starts": 0}, ValueError, "n_starts=0"),
    "attack": ({"attack": "fgsm"}, ValueError, "attack='fgsm'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_settings_are_refused(name: str) -> None:
    options, error, words = BAD[name]
    with pytest.raises(error, match=words) as caught:
        CheckSettings(**options)
    assert "\n" not in str(caught.value)


def test_bad_images_are_refused(exact: Any) -> None:
    classifier = Classifier(exact.half_space(1.0))
    with pytest.raises(ValueError, match=r"labels\[0\]=5"):
        check_model(classifier, exact.images(), [5])
    with pytest.raises(ValueError, match="rescale"):
        check_model(classifier, exact.images() * 3, [0])
    with pytest.raises(ValueError, match="image_ids"):
        check_model(classifier, exact.images(2), [0, 0], image_ids=[1, 1])


def test_progress_and_clock(exact: Any, seed: int) -> None:
    seen: list[tuple[int, int | None, str]] = []
    result = run(exact.half_space(DISTANCE), 2, rng=seed, progress=lambda *state: seen.append(state))
    stages = {words.split(":")[1].split(",")[0].strip() for _, _, words in seen}
    assert {"sigma(x0", "error rates", "PGD", "tangent"} <= stages
    assert all(0 <= done <= total for done, total, _ in seen if total is not None)
    for stage in ("error rates", "PGD", "tangent"):
        assert any(done == total for done, total, words in seen if stage in words)
    assert list(result.seconds) == ["search for sigma", "error rate", "PGD", "tangent"]


# --- what is said -----------------------------------------------------------------------------------------------------


def sentences(words: str) -> list[str]:
    return re.findall(r"[^.].*?[.!](?= [A-Z]|$)", words)


def rounded_up(bound: float) -> str:
    return f"{math.ceil(1000 * bound) / 1000:.3f}" if bound < math.inf else "inf"


def test_the_tables_show_what_was_measured(exact: Any, seed: int) -> None:
    result = run(exact.quantized(DISTANCE), 2, rng=seed)
    shown = text(result, settings=SMALL)
    for image in result.images:
        assert image.audit is not None
        assert f"{image.sigma:.3f}" in shown
        assert f"{100 * image.errors / image.trials:.2f}" in shown
        assert rounded_up(image.audit.bound) in shown
    assert shown.count("convicted") >= 3
    assert "2 of 2" in shown
    assert shown.count(" none ") >= 12  # six columns of two images


def test_a_conviction_is_read_out(exact: Any, seed: int) -> None:
    sound, masked = run(exact.half_space(DISTANCE), 2, rng=seed), run(exact.quantized(DISTANCE), 2, rng=seed)
    words = reading([sound, masked], SMALL)
    assert "PGD provably misses errors" in words
    assert "at least 2 of 2 images" in words
    assert "not convicted" in words
    assert len(sentences(words)) == 2
    assert len(sentences(reading([masked], SMALL))) == 2
    assert "provably" not in reading([sound], SMALL)
    assert len(sentences(reading([sound], SMALL))) == 2


def numbers(shown: str) -> Counter[str]:
    """Return the numbers in the rows of tables, and words in their place; not those of headings and captions."""
    rows, inside = [], False
    for line in shown.splitlines():
        inside = "─" in line or (inside and bool(line.strip()))
        rows += [line] if inside else []
    return Counter(
        re.findall(r"\d[\d.]*(?:e[+-]\d+)?|\b(?:inf|none|convicted|consistent|undecided)\b", "\n".join(rows))
    )


@pytest.mark.parametrize("width", [80, 100, 149])
@pytest.mark.parametrize("given", [True, False])
def test_narrow_tables_hold_what_wide_ones_hold(exact: Any, seed: int, width: int, given: bool) -> None:
    # As in the default run, with four attacks; the last image is wrong without noise, and the third hardly ever.
    settings = FIXED if given else SMALL
    images = exact.images(4)
    images[2] -= 0.8 * exact.normal().view(exact.shape)
    images[3] += 0.9 * exact.normal().view(exact.shape)
    transfer = Transfer(source=Classifier(exact.half_space(DISTANCE), name="clean"), attack=ProjectedGradient())
    for module in (exact.quantized(DISTANCE), exact.half_space(DISTANCE)):
        result = check_model(
            Classifier(module), images, [0] * 4, settings=settings, others=["ddn", "tangent", transfer], rng=seed
        )  # fmt: skip

        def shown(columns: int, checked: ModelCheck = result) -> tuple[int, str]:
            tables = image_tables(checked, settings, width=columns)
            console = Console(width=columns)
            with console.capture() as capture:
                for table in tables:
                    console.print(table, "")
            return len(tables), capture.get()

        (one, wide), (two, narrow) = shown(max(WIDE, 170)), shown(width)
        assert (one, two) == (1, 2)
        extra = Counter(str(image.image) for image in result.images)  # each table names the images
        assert numbers(narrow) == numbers(wide) + extra
        assert max(map(len, narrow.splitlines())) <= width
        for image in result.audited:
            assert image.audit is not None
            for value in (image.sigma, image.prediction, *image.clean_distances.values()):
                assert f"{value:.3f}" in narrow or math.isinf(value)
            assert rounded_up(image.audit.bound) in narrow
            for distances in image.noisy_distances:
                assert math.isinf(image.noisy_median(distances)) or f"{image.noisy_median(distances):.3f}" in narrow


def test_names_are_shown_as_they_are(exact: Any, seed: int) -> None:
    strange = "net [/x] [bold]b[/bold] :smile: \\"
    transfer = Transfer(source=Classifier(exact.half_space(DISTANCE), name="[/red]"), attack=ProjectedGradient())
    result = check_model(
        Classifier(exact.quantized(DISTANCE), name=strange), exact.images(2), [0, 0], settings=SMALL,
        others=[transfer], rng=seed,
    )  # fmt: skip
    shown = text(result, settings=SMALL)
    assert f"{strange}: does PGD miss errors?" in shown
    assert shown.count(strange) == 2  # the title, and the table of medians
    assert "[/red]" in shown
    assert strange in reading([result], SMALL)


SAFE_P = [4.0e-4, 4.0000001e-4, 1.23e-9, 9.5e-4, 9.9999e-4, 1e-300, 3e-4]
SAFE_SHARES = [0.5, 0.12349, 0.4999999, 0.009999, 1e-5, 0.3, 1.0]


@pytest.mark.parametrize(("p", "share"), [*zip(SAFE_P, SAFE_SHARES, strict=True)])
def test_numbers_of_the_reading_are_rounded_to_the_safe_side(exact: Any, seed: int, p: float, share: float) -> None:
    result = run(exact.quantized(DISTANCE), 3, rng=seed)
    assert result.family is not None
    family = dataclasses.replace(result.family, adjusted_p_values=(p / 2, 0.7, p), convicted=(0, 2), n_convicted=2)
    # The image that is not named has no say.
    result = dataclasses.replace(result, family=family, joint_missed=(share, 0.0, min(2 * share, 1.0)))
    words = reading([result], SMALL)
    (said_p,), (said_share,) = re.findall(r"\(p <= (\S+)\)", words), re.findall(r"at least (\S+) % of the", words)
    assert p <= float(said_p) <= 2 * p
    assert 0.9 * 100 * share <= float(said_share) <= 100 * share
    assert "at least 2 of 3 images" in words
    # Nothing is said of what is not certified on each.
    words = reading([dataclasses.replace(result, joint_missed=(share, 0.5, 0.0))], SMALL)
    assert "of the noisy copies" not in words.partition(":")[0]


def test_training_in_noise_is_compared_on_the_images_audited_on_both(exact: Any, seed: int) -> None:
    def checked(name: str, module: Any) -> ModelCheck:
        images = exact.images(4)
        images[1] += 0.5 * exact.normal().view(exact.shape)
        return check_model(Classifier(module, name=name), images, [0] * 4, settings=SMALL, rng=seed)

    far, near = checked("far", exact.half_space(DISTANCE)), checked("near", exact.half_space(0.4))
    assert [image.image for image in near.audited] == [0, 2, 3]
    assert len(far.audited) == 4
    words = reading([near, far], SMALL, trained_in_noise=("near", "far"))
    both = [far.images[i] for i in (0, 2, 3)]
    sigmas = [f"{np.median([image.sigma for image in images]):.2f}" for images in (near.audited, both)]
    assert (
        f"; from near to far, trained in noise, of 3 images the noise scale tolerated is larger on 3 (median "
        f"{sigmas[0]}, then {sigmas[1]}) and the nearest error found is farther on 3 (median 0.40, then 0.85)."
    ) in words
    assert len(sentences(words)) == 2
    back = reading([near, far], SMALL, trained_in_noise=("far", "near"))
    assert "of 3 images the noise scale tolerated is larger on 0 (" in back
    assert "found is farther on 0 (median 0.85, then 0.40)" in back
    # Nothing is compared where it was not asked for, or where there is nothing.
    assert "trained in noise" not in reading([near, far], SMALL)
    nothing = checked("far", exact.constant(1))
    assert "trained in noise" not in reading([near, nothing], SMALL, trained_in_noise=("near", "far"))
    masked = checked("masked", exact.quantized(DISTANCE))
    words = reading([near, masked], SMALL, trained_in_noise=("near", "masked"))
    assert "(median 0.40, then none found)" in words
    assert "inf" not in words


def test_nothing_audited(exact: Any, seed: int) -> None:
    for module in (exact.constant(1), exact.constant(0)):
        result = run(module, 2, rng=seed)
        assert "No image could be audited" in reading([result], SMALL)
        shown = text(result, settings=SMALL)
        assert "already wrong" in shown or "never reached" in shown
        assert "0 of 0" in shown


@pytest.mark.parametrize("sigma", [0.05, 0.4, 5.0, 1e4])
def test_any_error_rate_can_be_shown(exact: Any, seed: int, sigma: float) -> None:
    # No error at all; a few; nearly a half; nearly all, where the bound is zero.
    settings = CheckSettings(sigma=sigma, n_samples=500, n_starts=20)
    outside_a_slab = exact.margin(0.2, lambda margin: margin.abs() - 0.4).eval()
    for module in (exact.half_space(0.5), exact.quantized(0.5), exact.slab(0.01, 0.2), outside_a_slab):
        result = run(module, 3, settings, rng=seed)
        shown = text(result, settings=settings) + reading([result], settings)
        assert "nan" not in shown.lower()
        assert len(result.audited) == 3


def test_distances_are_not_said_to_be_below_a_bound_that_they_exceed(exact: Any, seed: int) -> None:
    # Five starts can never convict; but the attack found no error at all, which is above any bound.
    settings = CheckSettings(error_rate=0.02, n_search=300, n_samples=3000, n_starts=5)
    result = run(exact.quantized(DISTANCE), 2, settings, others=[], rng=seed)
    assert result.n_convicted == 0
    assert math.isinf(result.images[0].best_noisy_median())
    words = reading([result], settings)
    assert "below" not in words
    assert "inf" not in words
    assert "no attack found an error from half of the noisy copies of Margin" in words
    assert "with 5 starts an image nothing can be convicted" in words


def test_medians() -> None:
    assert np.isnan(ModelCheck.median(None, []))  # type: ignore[arg-type]
    assert ModelCheck.median(None, [3.0, 1.0, 2.0]) == 2.0  # type: ignore[arg-type]


def test_a_better_attack_shows_up_as_the_best(exact: Any, seed: int) -> None:
    class Far(DecoupledDirectionNorm):
        """Returns errors half as far again."""

        @property
        def name(self) -> str:
            return "far"

        def __call__(self, classifier: Classifier, starts: Any, label: int, **options: Any) -> NearestErrors:
            found = super().__call__(classifier, starts, label, **options)
            points = starts + 1.5 * (found.points - starts)
            distances = (points.double() - starts.double()).flatten(1).norm(dim=1).numpy()
            return NearestErrors(distances=distances, points=points, blocked=found.blocked)

    result = run(exact.half_space(DISTANCE), 1, FIXED, others=[Far()], rng=seed)
    (image,) = result.images
    assert image.clean_distances["far"] == pytest.approx(1.5 * DISTANCE, rel=1e-3)
    assert image.best_noisy_median() == image.noisy_median("PGD")
