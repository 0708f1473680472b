"""A multi grader: named parts, put together by a formula. A part that is missing makes the whole missing."""

from curation.scoring.graders import formula
from curation.scoring.graders.definitions import Definition, needs_model, range_of
from curation.scoring.graders.grades import Grade, clipped, failed

PLACES = 9  # so that a mean of three times 0.7 passes at 0.7, and is not the last bit less


def order(parts: dict[str, Definition]) -> list[str]:
    """Names of the parts, those first that ask no model: where one of them is missing, nobody is paid."""
    return sorted(parts, key=lambda name: needs_model(parts[name]))


def together(definition: Definition, parts: dict[str, Grade]) -> Grade:
    """The grade of the whole from those of its parts; the reason names the first part that is missing and why."""
    for name, part in parts.items():
        if part.value is None:
            why = part.error or part.reason
            text = f"{name}: {why}"
            return Grade(None, None, reason="" if part.error else text, error=text if part.error else "", parts=parts)
    values = {name: part.value for name, part in parts.items() if part.value is not None}
    try:
        value = formula.value(formula.parse(definition["calculate_output"]), values)
    except formula.NoValue as error:
        said = ", ".join(f"{name} = {number:g}" for name, number in values.items())
        return failed(f"The formula has no value: {error} ({said}).", parts=parts)
    said = ", ".join(f"{name} {number:g}" for name, number in values.items())
    return clipped(round(value, PLACES), definition, range_of(definition), reason=said, parts=parts)
