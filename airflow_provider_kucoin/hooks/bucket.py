"""Publishing a finished file as one S3 object: all of it, or nothing."""

from __future__ import annotations

from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, NoReturn

from airflow.providers.common.compat.sdk import AirflowException

from airflow_provider_kucoin.api.errors import FatalError, InvalidInput
from airflow_provider_kucoin.hooks.lineage import was_read, was_written

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from airflow.providers.amazon.aws.hooks.s3 import S3Hook
    from botocore.exceptions import ClientError

    from airflow_provider_kucoin.lake.files import Finished

#: S3's answers that no retry will change.
_FATAL = {"AccessDenied", "AllAccessDisabled", "InvalidAccessKeyId", "NoSuchBucket", "SignatureDoesNotMatch", "403"}


class Bucket:
    """
    A bucket to publish into.

    An object becomes visible as a whole or not at all: a single PUT and the completion of a multipart upload are both
    atomic, so a process killed at any moment leaves nothing half-written, and writing it again replaces it.
    """

    def __init__(self, name: str, aws_conn_id: str | None) -> None:
        if not name:
            raise InvalidInput("s3_bucket is empty: give the name of the bucket to write to")
        self.name = name
        self._aws_conn_id = aws_conn_id

    @cached_property
    def _hook(self) -> S3Hook:
        if missing := [name for name in ("boto3", "pyarrow") if find_spec(name) is None]:
            raise FatalError(f"writing to S3 needs {' and '.join(missing)}: pip install 'airflow-provider-kucoin[s3]'")
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        return S3Hook(aws_conn_id=self._aws_conn_id)

    def uri(self, key: str) -> str:
        """Return an object's URI."""
        return f"s3://{self.name}/{key}"

    def check(self) -> None:
        """
        Check that the bucket is there, before hours are spent on what to put into it.

        :raise FatalError: when it is not
        """
        client = self._hook.get_conn()
        from botocore.exceptions import ClientError, ParamValidationError

        try:
            client.head_bucket(Bucket=self.name)
        except ParamValidationError:
            raise InvalidInput(
                f"s3_bucket={self.name!r} is not the name of a bucket: give its name alone, the rest belongs in s3_key"
            ) from None
        except ClientError as problem:
            # HEAD has no body, so no words either. 403 may mean that only listing is not allowed: writing will tell.
            if problem.response["Error"]["Code"] in {"404", "NoSuchBucket"}:
                raise FatalError(
                    f"s3_bucket={self.name!r} does not exist (connection {self._aws_conn_id!r}): create it, or correct "
                    "the name"
                ) from None

    def holds(self, key: str) -> bool:
        """Return whether there is an object of that key, as far as one may know: S3 tells only those who may list."""
        from botocore.exceptions import ClientError

        try:
            return bool(self._hook.check_for_key(key, self.name))
        except ClientError as problem:
            if problem.response["Error"]["Code"] != "403":
                raise
            return False

    def about(self, key: str) -> dict[str, str] | None:
        """
        Return what was kept with an object, by name in lower case; ``None`` when there is no such object.

        :raise FatalError: when it may not be looked at: then it is not known whether there is one
        """
        from botocore.exceptions import ClientError

        try:
            found = self._hook.get_conn().head_object(Bucket=self.name, Key=key)
        except ClientError as problem:
            # HEAD has no body, so no words either. Who may not list is told 403 for what is not there.
            code = problem.response["Error"]["Code"]
            if code in {"404", "NoSuchKey"}:
                return None
            if code != "403":
                raise
            raise FatalError(
                f"S3 does not tell whether there is {self.uri(key)} (403). Check that connection "
                f"{self._aws_conn_id!r} may s3:GetObject it and s3:ListBucket {self.name}"
            ) from None
        return {name.lower(): value for name, value in found.get("Metadata", {}).items()}

    def fetch(self, key: str, path: Path) -> None:
        """
        Copy an object to a local file.

        :raise FatalError: when there is no such object, or it may not be read
        """
        from botocore.exceptions import ClientError

        try:
            self._hook.get_conn().download_file(self.name, key, str(path), Config=self._hook.transfer_config)
        except ClientError as problem:
            code = problem.response["Error"].get("Code", "?")
            if code not in _FATAL | {"404", "NoSuchKey"}:
                raise
            raise FatalError(
                f"{self.uri(key)} cannot be read (S3: {code}). Check that it is there, and that connection "
                f"{self._aws_conn_id!r} may s3:GetObject it"
            ) from None
        was_read(self._hook, lambda: self.uri(key))

    def publish(self, file: Finished, key: str, about: Mapping[str, str], *, content_type: str, replace: bool) -> str:
        """
        Make a file visible under a key, and return its URI.

        :param about: ASCII text by name, kept with the object beside how many rows it has, and their digest
        :param replace: False refuses to overwrite, also when somebody else writes at the same moment
        """
        from boto3.exceptions import S3UploadFailedError
        from botocore.exceptions import ClientError

        metadata = {**about, "kucoin.rows": str(file.rows), "kucoin.content": file.digest}
        client, given = self._hook.get_conn(), {"ContentType": content_type, "Metadata": metadata}
        given |= self._hook.extra_args
        config = self._hook.transfer_config
        try:
            if replace and file.size >= config.multipart_threshold:
                client.upload_file(str(file.path), self.name, key, ExtraArgs=given, Config=config)
            else:
                # boto3 starts threads for every file that it uploads, even for a small one.
                condition = {} if replace else {"IfNoneMatch": "*"}
                with file.path.open("rb") as body:
                    client.put_object(Bucket=self.name, Key=key, Body=body, **condition, **given)
        except S3UploadFailedError as problem:
            cause = problem.__context__
            if not isinstance(cause, ClientError):
                raise
            self._refuse(key, cause)
        except ClientError as problem:
            self._refuse(key, problem)
        was_written(self._hook, lambda: self.uri(key))
        return self.uri(key)

    def _refuse(self, key: str, problem: ClientError) -> NoReturn:
        code, words = problem.response["Error"].get("Code", "?"), problem.response["Error"].get("Message", "")
        if code == "PreconditionFailed":
            raise already_there(self.uri(key)) from problem
        text = (
            f"S3 refused to write {self.uri(key)}: {code} {words}. Nothing was written there. Check that connection "
            f"{self._aws_conn_id!r} may s3:PutObject on that key"
        )
        raise (FatalError if code in _FATAL else AirflowException)(text) from problem


def already_there(uri: str) -> FatalError:
    """Return the error for an object that must not be overwritten."""
    return FatalError(f"{uri} exists and replace=False: nothing was overwritten. Remove it, or set replace=True")
