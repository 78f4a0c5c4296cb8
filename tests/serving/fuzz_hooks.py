"""What Schemathesis is told beyond the OpenAPI document: pictures for the two formats of ours."""

import schemathesis
from hypothesis import strategies as st

from tests.serving.xrays import picture, text_of

FILES = [picture(seed, kind) for seed in range(3) for kind in ("PNG", "JPEG", "BMP", "TIFF", "WEBP")]

schemathesis.openapi.format("picture", st.sampled_from([text_of(data) for data in FILES]))
schemathesis.openapi.format("picture-file", st.sampled_from(FILES))
