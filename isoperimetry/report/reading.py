"""Models and images of a record, read with every audit made again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from isoperimetry.report.audits import as_number, audit_again, family_again
from isoperimetry.report.measured import ImageResults, ModelResults


def read_model(record: Mapping[str, Any], *, where: str, dim: int | None = None) -> ModelResults:
    """Return one model of a record, checked.

    Raises
    ------
    ValueError
        If an entry is missing or wrong, or an audit does not follow from its distances.
    """
    where = f"{where}, model {record.get('name')!r}"
    try:
        attack = str(record["attack"])
        images = [_read_image(entry, attack, where=where) for entry in record["images"]]
        audited = [place for place, image in enumerate(images) if image.audit is not None]
        family = family_again(record["family"], [a for i in images if (a := i.audit)], where=where)
        for order, place in enumerate(audited if family else ()):
            assert family is not None
            images[place] = dataclasses.replace(
                images[place], convicted=order in family.convicted, p_value=family.adjusted_p_values[order]
            )
        low, high = map(as_number, record["bounds"])
        return ModelResults(
            name=str(record["name"]),
            fingerprint=str(record["fingerprint"]),
            device=str(record["device"]),
            bounds=(low, high),
            attack=attack,
            others=tuple(map(str, record["others"])),
            attacks=tuple(map(str, record["attacks"])),
            images=tuple(images),
            family=family,
            seconds={str(name): as_number(spent) for name, spent in record.get("seconds", {}).items()},
            dim=int(record["dim"]) if record.get("dim") else dim,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{where}: {_wrong(error)}: it is no record of a check, or is damaged.") from error


def _read_image(record: Mapping[str, Any], attack: str, *, where: str) -> ImageResults:
    where = f"{where}, image {record.get('image')!r}"
    try:
        noisy = {str(name): tuple(map(as_number, found)) for name, found in record["noisy_distances"].items()}
        stored, search, rate = record["audit"], record.get("search") or {}, record["error_rate"] or {}
        audit = None if stored is None else audit_again(stored, noisy[attack], where=where)
        if audit and (audit.errors, audit.trials) != (record["errors"], record["trials"]):
            raise ValueError(f"{where}: the counts of its audit are not those of the image: the file was changed.")
        return ImageResults(
            image=record["image"],
            label=record["label"],
            status=str(record["status"]),
            sigma=as_number(record["sigma"]),
            sigma_low=as_number(search.get("low", "nan")),
            sigma_high=as_number(search.get("high", "nan")),
            errors=int(record["errors"]),
            trials=int(record["trials"]),
            rate_low=as_number(rate.get("low", "nan")),
            rate_high=as_number(rate.get("high", "nan")),
            prediction=as_number(record["prediction"]),
            prediction_low=as_number(record["prediction_low"]),
            prediction_high=as_number(record["prediction_high"]),
            clean_distances={str(name): as_number(found) for name, found in record["clean_distances"].items()},
            noisy_distances=noisy,
            blocked={str(name): as_number(part) for name, part in record.get("blocked", {}).items()},
            audit=audit,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{where}: {_wrong(error)}: it is no record of a check, or is damaged.") from error


def _wrong(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
