"""Make buckets in an S3 store, where they are missing: `python -m tools.store_buckets mlflow dvc`.

AWS_ENDPOINT_URL_S3 names the store, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY who asks.
"""

import sys
from collections.abc import Sequence

from cxr.common.errors import CxrError
from cxr.common.stage_runner import run_stage


def make_buckets(names: Sequence[str]) -> list[str]:
    """The buckets that were made. Raises CxrError where the store cannot be asked or refuses."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client = boto3.client("s3")
        there = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
        missing = [name for name in names if name not in there]
        for name in missing:
            client.create_bucket(Bucket=name)
    except (BotoCoreError, ClientError) as fault:
        raise CxrError(f"the store did not make the buckets {', '.join(names)} ({fault})") from None
    return missing


def main() -> str:
    made = make_buckets(sys.argv[1:])
    return f"made the buckets {', '.join(made)}" if made else "the buckets are there"


if __name__ == "__main__":
    run_stage(main)
