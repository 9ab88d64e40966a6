"""How queries are written out."""

from __future__ import annotations

import pytest

from logpulse.logql.parser import parse


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('{app="a"} | a>1 and b<=2s c="d" or e!=3KB', '{app="a"} | ( ( a>1 , b<=2s , c="d" ) or e!=3.0kB )'),
        ('{app="a"}|json a="x.y",b', '{app="a"} | json a="x.y",b="b"'),
        ('{app="a"} | logfmt --keep-empty --strict a', '{app="a"} | logfmt --strict --keep-empty a="a"'),
        ('{app="a"} | a=15500B or b=1234567B or c=12MB', '{app="a"} | ( a==15.5kB or b==1234567B or c==12MB )'),
        ('{app="a"} | d>36h or d>1500us or d=0s', '{app="a"} | ( d>36h0m0s or d>1.5ms or d==0s )'),
        ('{app="a"} |= "tab\\there \\x07 \\u200b é"', '{app="a"} |= "tab\\there \\a \\u200b é"'),
        ('rate({app="a"}[90m])', 'rate({app="a"}[1h30m])'),
        ('rate({app="a"}[7d])', 'rate({app="a"}[1w])'),
        ('rate({app="a"}[36h] offset 0s)', 'rate({app="a"}[36h])'),
        ('rate({app="a"} | drop b [5m] != "c")', 'rate({app="a"} | drop b[5m] != "c")'),
        ("topk(3,vector(.5)) by(a,b)", "topk by (a,b)(3,vector(0.500000))"),
        ("vector(0.0000001)", "vector(0.0000001)"),
        ("1e21", "1000000000000000000000"),
        ("-.5", "-0.5"),
        ("1 / 0", "(0 / 0)"),
        ("vector(1)+vector(2)*vector(3)", "(vector(1.000000) + (vector(2.000000) * vector(3.000000)))"),
    ],
)
def test_canonical_text(text: str, written: str) -> None:
    assert str(parse(text)) == written
