"""Documents to try: the sample's facts under an invented issuer, with a number."""

from datetime import date

from msgspec.structs import replace

from central.core.compose import Facts, compose
from central.core.document import Issuer, Kind, Paper, verification_code
from central.core.document_forms import FORMS
from central.core.document_sample import COPIES
from central.core.document_sample import FACTS as SAMPLE

ISSUER = Issuer("jcj", "云州市监察局", "云州市监察局文件", "云监", "云州市监察局办公室", date(2020, 1, 1))
SECRET = bytes(range(32))
FACTS = replace(SAMPLE, articles=("行政许可法 42", "行政许可法 32(四)"))


def paper(kind: Kind = Kind.ORDER, facts: Facts = FACTS, issuer: Issuer = ISSUER) -> Paper:
    return compose(FORMS[kind], facts, issuer, 2026, 18, verification_code(SECRET, kind, "facts"), COPIES)
