"""From the configuration to what makes payload entries of records: the fast way, or the long one where it is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.config.registry_checks import WITH_REGISTRY
from kafka_lambda_sink.config.transform_plan import TransformPlan
from kafka_lambda_sink.connector.registry_conversion import RegistryConversion
from kafka_lambda_sink.connector.request_formats import build_request_format, is_escaped, is_plain_format
from kafka_lambda_sink.contracts.frame import Frame
from kafka_lambda_sink.contracts.record_path import Part, RecordPath
from kafka_lambda_sink.contracts.request import PlainConverter, RecordConverter, ValueReplacer
from kafka_lambda_sink.converters.converter import (
    HEADER_CONVERTER,
    KEY_CONVERTER,
    VALUE_CONVERTER,
    Converter,
    build_converter,
)
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.converters.reading import Reader
from kafka_lambda_sink.core.ports import Clock, SchemaRegistry
from kafka_lambda_sink.core.record import SourceRecord, TopicPartition
from kafka_lambda_sink.core.sink_record import Predicate, SinkRecord, Transform
from kafka_lambda_sink.core.tenant import parse_tenant_source

#: Part of a record → stage of its errors.
_STAGES: Final = {"key": KEY_CONVERTER, "value": VALUE_CONVERTER, "header": HEADER_CONVERTER}


class Conversions:
    """Opens a record converter for each partition; what they share is made once. For the coordinator's thread."""

    def __init__(
        self,
        config: SinkConfig,
        plan: TransformPlan,
        clock: Clock,
        open_registry: Callable[[str], SchemaRegistry],
    ) -> None:
        """`open_registry` is called for `key` and `value` where their converter needs a schema registry.

        Raises what it raises.
        """
        self._config = config
        self._plan = plan
        self._clock = clock
        self._registries = {part: open_registry(part) for part in ("key", "value") if self._name(part) in WITH_REGISTRY}
        self._is_wanted = _filter(config)
        self._policy = _field_policy(config)
        self._format = build_request_format(config)

    @property
    def may_drop(self) -> bool:
        """Whether records may be dropped on the way: a batch is then made of more records than it has."""
        config = self._config
        return bool(self._is_wanted or config.transforms or config.tombstones == "drop")

    def open(self, tp: TopicPartition) -> RecordConverter:
        """The converter of one partition, for its thread."""
        if self._is_plain:
            return self._with_tenants(PlainConverter(tp, self._converter("key"), self._converter("value")))
        return self._with_tenants(self.record_path())

    def frame(self, tp: TopicPartition) -> Frame:
        """What surrounds the entries of a partition's batches."""
        return self._format.frame(tp)

    def replacer(self, tp: TopicPartition) -> ValueReplacer:
        """What makes single entries of a partition's records with a reference in their value's place."""
        # Escaped text is no text that a function should find in a bucket.
        if self._is_plain and not is_escaped(self._config):
            return PlainConverter(tp, self._converter("key"), self._converter("value"))
        return self.record_path()

    def tenant_of(self) -> Callable[[SourceRecord], str] | None:
        """What finds the tenant of a record, or raises RecordError; None where tenants are not kept apart."""
        text = self._config.aws_lambda_tenant_id_from
        if text is None:
            return None
        from kafka_lambda_sink.contracts.tenants import tenant_reader  # noqa: PLC0415 - rarely used
        from kafka_lambda_sink.transforms.field_paths import parse_path  # noqa: PLC0415 - as above

        source = parse_tenant_source(text)
        names = parse_path(f"value.{source.name}").names if source.part == "value" else ()
        return tenant_reader(source, names, key=self._reader("key"), value=self._reader("value"))

    @property
    def has_filter(self) -> bool:
        """Whether `aws.lambda.filter.patterns` says anything."""
        return self._is_wanted is not None

    def record_path(self, *, with_headers: bool = False) -> RecordPath:
        """The long way, whether it is needed or not: it can be looked into step by step."""
        has_header = with_headers or self._needs_headers
        return RecordPath(
            key=self._part("key"),
            value=self._part("value"),
            header=self._part("header") if has_header else None,
            transform=self._transform(),
            is_wanted=self._is_wanted,
            entry=self._format.entry,
            stored_value=self._format.stored_value,
        )

    def stages(self) -> list[tuple[str, Transform]]:
        """Every step between converters and filters by itself, with the key that it comes from, in their order."""
        config = self._config
        timeout = config.errors_retry_timeout / 1000
        alone = [TransformPlan((step,)) for step in self._plan.steps]
        chains: list[tuple[str, Transform]] = [
            (f"transforms.{plan.steps[0].alias}", plan.chain(self._clock, timeout)) for plan in alone
        ]
        return [*self._before(), *chains, *self._after()]

    def close(self) -> None:
        """Close what was opened."""
        for registry in self._registries.values():
            registry.close()

    @property
    def _is_plain(self) -> bool:
        config = self._config
        return is_plain_format(config) and not (self.may_drop or self._policy or self._is_numeric_envelope)

    @property
    def _is_numeric_envelope(self) -> bool:
        """Payloads of Connect's envelope are embedded as they are, unless their decimals are to be rewritten."""
        return any(
            self._name(part) == "json" and self._has_schemas(part) and self._form(part).decimal_format == "NUMERIC"
            for part in ("key", "value")
        )

    @property
    def _needs_headers(self) -> bool:
        # A transform of the user's own may look at them, and a filter's text would have to be read to know.
        return bool(self._format.needs_headers or self._config.transforms or self._is_wanted)

    def _transform(self) -> Transform | None:
        timeout = self._config.errors_retry_timeout / 1000
        steps = [step for _, step in self._before()]
        if self._plan.steps:
            steps.append(self._plan.chain(self._clock, timeout))
        steps += [step for _, step in self._after()]
        return None if not steps else steps[0] if len(steps) == 1 else _one_after_another(steps)

    def _before(self) -> list[tuple[str, Transform]]:
        if self._config.tombstones != "drop":
            return []
        from kafka_lambda_sink.transforms.field_policy import drop_tombstones  # noqa: PLC0415 - rarely used

        return [("tombstones", drop_tombstones)]

    def _after(self) -> list[tuple[str, Transform]]:
        return [("fields", self._policy)] if self._policy is not None else []

    def _with_tenants(self, converter: RecordConverter) -> RecordConverter:
        tenant_of = self.tenant_of()
        if tenant_of is None:
            return converter
        from kafka_lambda_sink.contracts.tenants import TenantConverter  # noqa: PLC0415 - rarely used

        return TenantConverter(converter, tenant_of)

    # --- parts of a record -------------------------------------------------------------------------------------------

    def _converter(self, part: str) -> Converter:
        if part in self._registries:
            return self._with_registry(part).converter(self._form(part))
        return build_converter(
            self._name(part),  # type: ignore[arg-type]  # the model has checked it
            is_key=part == "key",
            schemas_enable=self._has_schemas(part),
            escaped=is_escaped(self._config),
            form=self._form(part),
        )

    def _part(self, part: str) -> Part:
        from kafka_lambda_sink.converters.connect_json import build_embedder  # noqa: PLC0415 - rarely used

        return Part(read=self._reader(part), embed=build_embedder(self._form(part), _STAGES[part]))

    def _reader(self, part: str) -> Reader:
        if part in self._registries:
            return self._with_registry(part).reader()
        from kafka_lambda_sink.converters.reading import build_reader  # noqa: PLC0415 - rarely used

        return build_reader(
            self._name(part),  # type: ignore[arg-type]  # the model has checked it
            stage=_STAGES[part],
            schemas_enable=self._has_schemas(part),
            replace_null_with_default=self._form(part).replace_null_with_default,
        )

    def _name(self, part: str) -> str:
        name: str = getattr(self._config, f"{part}_converter")
        return name

    def _has_schemas(self, part: str) -> bool:
        return bool(getattr(self._config, f"{part}_converter_schemas_enable"))

    def _with_registry(self, part: str) -> RegistryConversion:
        return RegistryConversion(self._config, part, _STAGES[part], self._registries[part])

    def _form(self, part: str) -> JsonForm:
        config = self._config
        return JsonForm(
            decimal_format=getattr(config, f"{part}_converter_decimal_format"),
            nonfinite=config.json_nonfinite,
            long=config.json_long,
            replace_null_with_default=getattr(config, f"{part}_converter_replace_null_with_default", True),
        )


def _one_after_another(steps: list[Transform]) -> Transform:
    def apply(record: SinkRecord) -> SinkRecord | None:
        current: SinkRecord | None = record
        for step in steps:
            current = step(current) if current is not None else None
        return current

    return apply


def _filter(config: SinkConfig) -> Predicate | None:
    text = config.aws_lambda_filter_patterns
    if text is None or not text.strip():
        return None
    from kafka_lambda_sink.transforms.filter_patterns import compile_filter  # noqa: PLC0415 - rarely used

    return compile_filter(text)


def _field_policy(config: SinkConfig) -> Transform | None:
    if not (config.fields_include or config.fields_exclude or config.fields_hash):
        return None
    from kafka_lambda_sink.transforms.field_policy import build_field_policy  # noqa: PLC0415 - rarely used

    salt = config.fields_hash_salt.get_secret_value() if config.fields_hash_salt else ""
    return build_field_policy(config.fields_include, config.fields_exclude, config.fields_hash, salt)
