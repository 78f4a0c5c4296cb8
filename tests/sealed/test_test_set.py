"""When two test sets are the same one."""

from dataclasses import replace

import numpy as np

from cxr.data.dataset import Split
from cxr.sealed.test_set import fingerprint
from tests.labelled import labelled_split

TEST = labelled_split(6)


def changed(**columns: str) -> Split:
    return replace(TEST, rows=[replace(TEST.rows[0], **columns), *TEST.rows[1:]])


def test_order_and_file_names_do_not_matter() -> None:
    assert fingerprint(TEST.only([3, 1, 0, 2, 5, 4])) == fingerprint(TEST)
    assert fingerprint(changed(path="moved/elsewhere.png")) == fingerprint(TEST)


def test_another_image_label_patient_or_record_is_another_test_set() -> None:
    others = [TEST.only([0, 1, 2, 3, 4]), changed(label="COVID"), changed(patient="a"), changed(sex="F")]
    others.append(replace(TEST, store=np.where(TEST.store == TEST.store.max(), 0, TEST.store)))
    found = {fingerprint(other) for other in others}
    assert len(found) == len(others)
    assert fingerprint(TEST) not in found


def test_a_cell_can_not_run_into_the_next() -> None:
    assert fingerprint(changed(sex="a,b", age="")) != fingerprint(changed(sex="a", age="b,"))
