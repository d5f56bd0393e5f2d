"""Names of uploads, as requests give them, can do no harm."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cases.domain import files


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="plan.pdf"', "plan.pdf"),
        (
            "attachment; filename*=UTF-8''%E5%9C%BA%E6%89%80%E5%B9%B3%E9%9D%A2%E5%9B%BE.pdf",
            "场所平面图.pdf",
        ),
        ('attachment; filename="../../etc/passwd"', "passwd.pdf"),
        (r'attachment; filename="C:\\temp\\plan.PDF"', "plan.pdf"),
        ('attachment; filename="plan.exe"', "plan.exe.pdf"),
        ("attachment; filename*=UTF-8''gpj.%E2%80%AEfdp.exe", "gpj.fdp.exe.pdf"),
        ('attachment; filename="<b>|x?.pdf"', "bx.pdf"),
        ('attachment; filename=""', "file.pdf"),
        ("attachment; filename*=no-such-charset''%ff.pdf", None),
        ("nonsense", "file.pdf"),
        ("attachment; filename*=a; filename*0=b", "file.pdf"),
        ("attachment; filename*0=a; filename*0=b", None),
        (None, "file.pdf"),
    ],
)
def test_names(header: str | None, name: str | None) -> None:
    found = files.file_name(header, "application/pdf")
    assert found.endswith(".pdf")
    assert name is None or found == name


@given(
    st.text("ab/\\.:<>\x00\r\n\u202e\u200b林 ;\"'%*=", max_size=150),
    st.sampled_from(["application/pdf", "image/jpeg"]),
)
def test_a_name_is_always_harmless(raw: str, media_type: str) -> None:
    _is_harmless(files.file_name(f'attachment; filename="{raw}"', media_type))


PARAMETER = st.tuples(
    st.sampled_from(["filename", "filename*", "filename*0", "filename*0*", "filename*1", "filename*x", "*", "name"]),
    st.sampled_from(["a", "b.pdf", '"a b"', "UTF-8''%E5%9C%BA.pdf", "x''%ff", "''", '"', "UTF-8'", ""]),
)


@given(st.lists(PARAMETER, max_size=4), st.sampled_from([";", "; ", ";;", " "]))
def test_whatever_the_parameters_the_name_is_harmless(parameters: list[tuple[str, str]], between: str) -> None:
    header = between.join(["attachment", *(f"{name}={value}" for name, value in parameters)])
    _is_harmless(files.file_name(header, "application/pdf"))


def _is_harmless(name: str) -> None:
    assert 0 < len(name) <= 100
    assert "/" not in name
    assert "\\" not in name
    assert not name.startswith(".")
    assert all(unicodedata.category(c)[0] != "C" for c in name)
    assert name.endswith((".pdf", ".jpg", ".jpeg"))
