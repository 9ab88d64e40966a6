"""Regular expressions for whole numbers from some number on, as texts write them."""

from __future__ import annotations


def at_least(number: int) -> str:
    """Match the digits of each whole number that is `number` or more, leading zeros included, and of no other.

    The expression looks at as many digits as it needs: what follows them is not its business. `number` is positive.
    """
    digits = str(number)
    forms = [f"[0-9]{{{len(digits) + 1}}}"]
    for place, digit in enumerate(digits):
        if digit != "9":
            rest = len(digits) - place - 1
            forms.append(f"{digits[:place]}[{int(digit) + 1}-9]" + (f"[0-9]{{{rest}}}" if rest else ""))
    forms.append(digits)
    return f"0*(?:{'|'.join(forms)})"
