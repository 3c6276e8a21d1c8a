"""Documents of the demo. Pure."""


def empty_pdf() -> bytes:
    """A whole PDF with one empty page."""
    objects = (
        b"1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n",
        b"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n",
        b"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>\nendobj\n",
    )
    written, table = b"%PDF-1.7\n", b"0000000000 65535 f \n"
    for each in objects:
        table += b"%010d 00000 n \n" % len(written)
        written += each
    return (
        written
        + b"xref\n0 4\n"
        + table
        + b"trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(written)
    )
