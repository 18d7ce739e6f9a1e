"""Whose records they are, where a function keeps its tenants apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from kafka_lambda_sink.contracts.formats.field_lookup import lookup_in
from kafka_lambda_sink.contracts.formats.sent_record import unsendable
from kafka_lambda_sink.contracts.request import Conversion, RecordConverter
from kafka_lambda_sink.contracts.source_headers import headers_of
from kafka_lambda_sink.converters.reading import Reader
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.record import SourceRecord
from kafka_lambda_sink.core.tenant import TENANT_ID_RULE, TenantSource, is_tenant_id

#: The valid tenant id of a record. Raises RecordError where it has none.
TenantOf: TypeAlias = Callable[[SourceRecord], str]


class TenantConverter:
    """Adds its tenant to each record that `inner` makes an entry of. Belongs to one thread.

    The tenant is that of the record as it came: transforms, filters and field policies may take it out of the payload.
    """

    __slots__ = ("_inner", "_tenant_of")

    def __init__(self, inner: RecordConverter, tenant_of: TenantOf) -> None:
        self._inner = inner
        self._tenant_of = tenant_of

    def convert(self, records: Sequence[SourceRecord], into: Conversion) -> None:
        """See RecordConverter. A record without a valid tenant is a failure like any other."""
        found = Conversion()
        self._inner.convert(records, found)
        failures = found.failures
        for record, entry in zip(found.records, found.entries, strict=True):
            try:
                tenant = self._tenant_of(record)
            except RecordError as error:
                failures.append((record, error))
                continue
            into.records.append(record)
            into.entries.append(entry)
            into.tenants.append(tenant)
        failures.sort(key=lambda failure: failure[0].offset())
        into.failures += failures
        into.dropped += found.dropped


def tenant_reader(source: TenantSource, names: tuple[str, ...], *, key: Reader, value: Reader) -> TenantOf:
    """What finds the tenant of a record. `names` is the way to the field of a value, from the outside in."""

    def of_key(record: SourceRecord) -> str:
        return _checked(key(record.key()).value, source)

    def of_value(record: SourceRecord) -> str:
        return _checked(lookup_in(*value(record.value()), names).value, source)

    def of_header(record: SourceRecord) -> str:
        # As its bytes say, not as a header converter reads them: `007` and `7` are two tenants.
        found = {raw for name, raw in headers_of(record) if name == source.name}
        if len(found) > 1:
            raise unsendable(f"the headers of {source} name different tenants")
        return _checked(found.pop() if found else None, source)

    return {"key": of_key, "value": of_value, "header": of_header}[source.part]


def _checked(found: object, source: TenantSource) -> str:
    if found is None:
        raise unsendable(f"the record has no tenant id: there is nothing at {source}")
    text = found
    if isinstance(found, bytes):
        try:
            text = found.decode()
        except UnicodeDecodeError:
            raise unsendable(f"the tenant id at {source} is not UTF-8") from None
    elif isinstance(found, int) and not isinstance(found, bool):
        text = str(found)
    if not isinstance(text, str):
        raise unsendable(f"what is at {source} is neither a text nor a whole number, so no tenant id")
    if not is_tenant_id(text):
        raise unsendable(f"the tenant id at {source} is none that Lambda takes: {TENANT_ID_RULE}")
    return text
