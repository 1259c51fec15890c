"""The EPC's profile of the two messages as tables: what each data set must and may have.

Rows are fields, a point for each level. Columns are data sets: `1` one, required; `?` one, may be
absent; `*` a list; `-` not part of the data set, and not looked at. Where EPC133-22 v3.1 and V4.0
differ the looser holds: a callback does not say which it is written by. A `choice` is an object or,
in JSON, its proprietary code as bare text (V4.0 writes `URLN/ATS010` so). Left out is what may hold
personal data and no decision needs: remittance, the payer and the payer's account.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from contracts.errors import Broken

# https://github.com/pagopa/cstar-securehub-infra-api-spec (src/srtp/api/epc, read at f6e1915)
REPORT_PROFILE: Final = """
                         kind     DS04b DS05 REDIRECT DS08N DS08P DS16RTP
GrpHdr                   object   1     1    1        1     1     1
.MsgId                   text35   1     1    1        1     1     1
.CreDtTm                 instant  1     1    1        1     1     1
.InitgPty                object   1     1    1        1     1     1
..Id                     object   1     1    1        ?     ?     1
...OrgId                 object   ?     ?    ?        ?     ?     ?
....AnyBIC               bic      ?     ?    ?        ?     ?     ?
....LEI                  lei      ?     ?    ?        ?     ?     ?
....Othr                 object   ?     ?    ?        *     *     ?
OrgnlGrpInfAndSts        object   1     1    1        1     1     1
.OrgnlMsgId              text35   1     1    1        1     1     1
.OrgnlMsgNmId            text35   1     1    1        1     1     1
.OrgnlCreDtTm            instant  ?     1    ?        ?     ?     1
OrgnlPmtInfAndSts        object   *     *    *        *     1     *
.OrgnlPmtInfId           text35   1     1    1        1     1     1
.TxInfAndSts             object   1     1    *        1     *     *
..StsId                  text35   1     1    1        ?     ?     1
..OrgnlInstrId           text35   1     1    1        1     1     1
..OrgnlEndToEndId        text35   1     1    1        1     1     1
..TxSts                  status   1     1    1        1     1     -
..StsRsnInf              object   1     1    1        1     1     1
...Orgtr                 object   1     1    1        1     1     1
....Id                   object   1     1    1        1     1     1
...Rsn                   choice   1     -    -        1     -     1
....Cd                   reason   ?     -    -        ?     -     ?
....Prtry                text35   ?     -    -        -     -     ?
...AddtlInf              text105  -     -    1        -     *     -
..DbtrDcsnDtTm           instant  -     -    -        1     1     -
..AccptncDtTm            instant  -     -    -        -     ?     -
..PmtCondSts             object   -     -    -        -     ?     -
...AccptdAmt             amount   -     -    -        -     ?     -
...GrntedPmt             boolean  -     -    -        -     1     -
...EarlyPmt              boolean  -     -    -        -     1     -
..OrgnlTxRef             object   1     1    1        1     1     1
...Amt                   object   1     1    1        1     1     1
....InstdAmt             amount   ?     ?    ?        ?     ?     ?
...ReqdExctnDt           object   1     1    1        1     1     1
....Dt                   date     ?     ?    ?        ?     ?     ?
....DtTm                 instant  ?     ?    ?        ?     ?     ?
...XpryDt                object   1     1    1        1     1     1
....Dt                   date     ?     ?    ?        ?     ?     ?
....DtTm                 instant  ?     ?    ?        ?     ?     ?
...PmtTpInf              object   1     1    1        1     1     1
....SvcLvl               object   1     1    1        1     1     1
.....Cd                  service  ?     ?    ?        ?     ?     ?
....LclInstrm            object   1     1    1        1     1     1
.....Cd                  text35   ?     ?    ?        ?     ?     ?
.....Prtry               text35   ?     ?    ?        ?     ?     ?
...DbtrAgt               object   1     1    1        1     1     1
....FinInstnId           object   1     1    1        1     1     1
.....BICFI               bic      ?     ?    ?        ?     ?     ?
.....LEI                 lei      ?     ?    ?        ?     ?     ?
...CdtrAgt               object   1     1    1        1     1     1
....FinInstnId           object   1     1    1        1     1     1
.....BICFI               bic      ?     ?    ?        ?     ?     ?
.....LEI                 lei      ?     ?    ?        ?     ?     ?
...Cdtr                  object   1     1    1        1     1     1
....Nm                   text70   1     1    1        1     1     ?
....Id                   object   1     1    1        1     1     1
...CdtrAcct              object   1     1    1        1     1     1
....Id                   object   1     1    1        1     1     1
.....IBAN                iban     ?     ?    ?        ?     ?     ?
"""
RESOLUTION_PROFILE: Final = """
                         kind     DS12P DS12N
Assgnmt                  object   1     1
.Id                      text35   1     1
.CreDtTm                 instant  1     1
.Assgnr                  object   1     1
.Assgne                  object   1     1
..Agt                    object   ?     ?
...FinInstnId            object   1     1
....BICFI                bic      ?     ?
....LEI                  lei      ?     ?
Sts                      object   1     1
.Conf                    status   ?     ?
CxlDtls                  object   1     1
.OrgnlPmtInfAndSts       object   *     *
..OrgnlPmtInfId          text35   1     1
..TxInfAndSts            object   *     1
...OrgnlInstrId          text35   1     1
...OrgnlEndToEndId       text35   1     1
.TxInfAndSts             object   *     1
..CxlStsId               text35   1     1
..OrgnlGrpInf            object   1     1
...OrgnlMsgId            text35   1     1
...OrgnlMsgNmId          text35   1     1
...OrgnlCreDtTm          instant  1     1
..OrgnlInstrId           text35   1     1
..OrgnlEndToEndId        text35   1     1
..OrgnlTxId              text35   ?     ?
..TxCxlSts               status   1     1
..CxlStsRsnInf           object   1     1
...Orgtr                 object   1     1
....Id                   object   1     1
...Rsn                   object   -     1
....Cd                   reason   -     ?
...AddtlInf              text105  *     *
..OrgnlTxRef             object   1     1
...Amt                   object   1     1
....InstdAmt             amount   ?     ?
...ReqdExctnDt           object   1     1
....Dt                   date     ?     ?
....DtTm                 instant  ?     ?
...PmtTpInf              object   1     1
....SvcLvl               object   1     1
.....Cd                  service  ?     ?
....LclInstrm            object   1     1
.....Cd                  text35   ?     ?
.....Prtry               text35   ?     ?
...DbtrAgt               object   1     1
...CdtrAgt               object   1     1
...Cdtr                  object   1     1
....Pty                  object   ?     ?
.....Nm                  text70   1     1
.....Id                  object   1     1
...CdtrAcct              object   1     1
....Id                   object   1     1
.....IBAN                iban     ?     ?
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One field: its kind, its cell for each data set, and the fields below it."""

    name: str
    kind: str
    cells: Mapping[str, str]
    below: list["Row"] = field(default_factory=list)


def parse_profile(text: str) -> Row:
    """Return the tree that a table in text describes, under a row without a name.

    Raises:
        Broken: a row is short or long, has a cell that is none, or stands too deep.
    """
    (_, *data_sets), *lines = [line.split() for line in text.splitlines() if line.strip()]
    root = Row("", "object", {})
    path = [root]
    for name, kind, *cells in lines:
        depth = len(name) - len(name.lstrip("."))
        if len(cells) != len(data_sets) or not set(cells) <= set("1?*-") or depth >= len(path):
            raise Broken(f"profile row {name}: wrong number of cells, wrong cell, or too deep")
        row = Row(name.lstrip("."), kind, dict(zip(data_sets, cells, strict=True)))
        del path[depth + 1 :]
        path[depth].below.append(row)
        path.append(row)
    return root


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What V4.0 and v3.1 name together, like the cells; camt.029 has a word for the whole and another
# for a transaction.
STATUSES: Final[Mapping[str, frozenset[str]]] = {
    "DS04b": _codes("RJCT"),
    "DS05": _codes("ACTC"),
    "REDIRECT": frozenset({"", "ACTC"}),
    "DS08N": _codes("RJCT"),
    "DS08P": _codes("ACCP ACWC"),
    "DS12P": _codes("CNCL ACCR"),
    "DS12N": _codes("RJCR"),
}
REASONS: Final[Mapping[str, frozenset[str]]] = {
    "DS04b": _codes(
        "AC02 AM03 AM05 ATNS BE16 CNNS EDTL EDTR FF01 FRAD INAR IPNS MS03 NRCH PINS RR04 RTNS SPII"
        " UCRD"
    ),
    "DS08N": _codes("AM03 AM05 AM09 EDNA FRAD IEDT MS02 NOAR UCRD"),
    "DS16RTP": _codes("AEXR ALAC ARFR ARJR IRNR REPR"),
    "DS12N": _codes("AACR ACLR AEXR ARFR ARJR PATE RR04 URTP"),
}
