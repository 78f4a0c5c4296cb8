"""Names of files as a spreadsheet may take them, and as a table must hold them: by `cxr predict` and by the page."""

FORMULAS = [
    ("=1+1.png", "'=1+1.png"),
    ("+1.png", "'+1.png"),
    ("-1.png", "'-1.png"),
    ("@SUM(A1).png", "'@SUM(A1).png"),
    ("  =1.png", "'  =1.png"),
    ("\t=1.png", "'\t=1.png"),
    ("\t1.png", "'\t1.png"),
    ("＝1.png", "'＝1.png"),
    ("a;=1.png", "a;'=1.png"),
    ('a",=1.png', "a\",'=1.png"),
    ("plain-name_2 (1).png", "plain-name_2 (1).png"),
]
