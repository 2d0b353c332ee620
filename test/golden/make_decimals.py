#!/usr/bin/env python3
"""Writes decimals.txt: operations on decimals and their results by Python's exact decimal module.

    make_decimals.py [COUNT [SEED]] > decimals.txt

A line is: operation, operands, result, separated by blanks. The result "none" says that it does not fit."""
import random
import struct
import sys
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, localcontext

DIGITS_MAX, SCALE_MAX = 76, 400


def text(value):
    """Plain notation without trailing zeros, or none if magnitude or scale do not fit."""
    if value == 0:
        return "0"
    sign, digits, exponent = value.as_tuple()
    while digits[-1] == 0:
        digits, exponent = digits[:-1], exponent + 1
    if len(digits) > DIGITS_MAX or -exponent > SCALE_MAX:
        return "none"
    if exponent > SCALE_MAX and len(digits) + exponent - SCALE_MAX > DIGITS_MAX:
        return "none"
    whole = "".join(map(str, digits))
    if exponent >= 0:
        whole += "0" * exponent
    else:
        whole = whole.rjust(1 - exponent, "0")
        whole = whole[:exponent] + "." + whole[exponent:]
    return ("-" if sign else "") + whole


def rounded(value, digits):
    return value if -value.as_tuple().exponent <= digits else value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def divided(a, b):
    """To 16 digits, half away from zero, with nothing rounded before."""
    top, bottom = a / Decimal(1), b
    shift = 16
    exponent = min(top.as_tuple().exponent, bottom.as_tuple().exponent)
    n, d = int(abs(top).scaleb(-exponent)) * 10**shift, int(abs(bottom).scaleb(-exponent))
    quotient = (2 * n + d) // (2 * d)
    return Decimal(quotient if (a < 0) == (b < 0) else -quotient).scaleb(-shift)


def random_double(rng):
    while True:
        value = rng.choice([
            lambda: struct.unpack("<d", struct.pack("<Q", rng.getrandbits(64)))[0],
            lambda: rng.uniform(-1e6, 1e6),
            lambda: round(rng.uniform(-1e4, 1e4), 2),
            lambda: float(rng.randrange(-10**18, 10**18)),
        ])()
        if value == value and abs(value) != float("inf"):
            return value


def random_decimal(rng):
    kind = rng.randrange(8)
    digits = [1, 3, 6, 17, 19, 38, 39, 76][kind] if rng.random() < 0.5 else rng.randint(1, 76)
    coefficient = rng.choice([
        lambda: rng.randrange(10**digits),
        lambda: 10**digits - rng.randint(1, 2),
        lambda: min(2**rng.randint(1, 252) + rng.randint(-1, 1), 10**76 - 1),
        lambda: 10**(digits - 1) * rng.randint(1, 9),
    ])()
    scale = rng.choice([0, 1, 2, 2, 2, 3, 4, 16, 18, 30, 76, rng.randint(-30, 60), rng.randint(-60, 330)])
    return Decimal(rng.choice([1, -1]) * coefficient).scaleb(-scale)


def lines(rng, count):
    for _ in range(count):
        a, b = random_decimal(rng), random_decimal(rng)
        if rng.random() < 0.3:
            a, b = (Decimal(rng.randint(-10**9, 10**9)).scaleb(-2) for _ in "ab")
        if text(a) == "none" or text(b) == "none":
            continue
        operation = rng.choice(["add", "sub", "mul", "div", "add2", "sub2", "mul2", "div2", "round", "int", "double",
                                "from", "cents", "cmp", "cmul", "cdiv", "cdouble"])
        if operation in ("div", "div2") and b == 0:
            continue
        plain = {"add": a + b, "sub": a - b, "mul": a * b}.get(operation[:3])
        if operation[:3] == "div":
            plain = divided(a, b)
        if plain is not None:
            value = rounded(plain, 2) if operation.endswith("2") else plain
            yield operation, text(a), text(b), text(value)
        elif operation == "round":
            yield operation, text(a), str(digits := rng.randint(0, 20)), text(rounded(a, digits))
        elif operation == "int":
            whole = int(a.to_integral_value(ROUND_DOWN))
            yield operation, text(a), str(whole) if -2**63 <= whole < 2**63 else "none"
        elif operation == "double":
            yield operation, text(a), float(a).hex()
        elif operation == "from":
            value = random_double(rng)
            yield operation, value.hex(), text(Decimal(repr(value)))
        elif operation == "cents":
            cents = int(rounded(a, 2).scaleb(2))
            yield operation, text(a), str(cents) if -2**63 <= cents < 2**63 else "none"
        elif operation == "cmp":
            yield operation, text(a), text(b), str((a > b) - (a < b))
        else:
            x, y = (rng.choice([rng.getrandbits(64) - 2**63, rng.randint(-10**6, 10**6),
                                rng.choice([1, -1]) * 2**rng.randint(0, 62), -2**63, 2**63 - 1]) for _ in "xy")
            if operation == "cdouble":
                yield operation, str(x), float(Decimal(x).scaleb(-2)).hex()
                continue
            if operation == "cdiv" and y == 0:
                continue
            if operation == "cdiv" and rng.random() < 0.3:  # near one half: where the two roundings matter
                y = abs(rng.choice([rng.randint(10**14, 2**63 - 1), rng.randint(2, 10**6)]))
                x = min((rng.randint(0, 100) * y + y // 2 + rng.randint(-3, 3)) // 100, 2**63 - 1)
            exact = Decimal(x).scaleb(-2) * Decimal(y).scaleb(-2) if operation == "cmul" else divided(Decimal(x), Decimal(y))
            cents = int(rounded(exact, 2).scaleb(2))
            yield operation, str(x), str(y), str(cents) if -2**63 <= cents < 2**63 else "none"


def main():
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    with localcontext(Context(prec=3000, Emax=10000, Emin=-10000)):
        for line in lines(rng, int(sys.argv[1]) if len(sys.argv) > 1 else 900):
            print(*line)


if __name__ == "__main__":
    main()
