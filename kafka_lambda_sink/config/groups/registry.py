"""The schema registry of converters that need one: one for keys, one for values, as in Connect."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import SecretStr

from kafka_lambda_sink.config.declaration import ANY_CASE_OF_CAPITALS, LOW, MEDIUM, CommaList, Declared, Group

BasicSource = Annotated[Literal["URL", "USER_INFO"], LOW, ANY_CASE_OF_CAPITALS]
BearerSource = Annotated[Literal["STATIC_TOKEN"] | None, LOW, ANY_CASE_OF_CAPITALS]


class RegistryGroup(Group):
    """Where schemas are looked up."""

    title: ClassVar[str] = "Schema registry"

    key_converter_schema_registry_url: Annotated[CommaList, MEDIUM] = ()
    """Addresses of the schema registry of keys; where one is away the next is asked. A registry that does not answer is
    waited for. TLS is set below `key.converter.schema.registry.ssl.`, in the names of the Java client."""

    key_converter_basic_auth_credentials_source: BasicSource = "URL"
    """Where the user name and password for the registry of keys stand: in its `URL`, or in `USER_INFO`."""

    key_converter_basic_auth_user_info: Annotated[
        SecretStr | None, Declared("low", aliases=("key.converter.schema.registry.basic.auth.user.info",))
    ] = None
    """`user:password` for the registry of keys, with `USER_INFO`."""

    key_converter_bearer_auth_credentials_source: BearerSource = None
    """`STATIC_TOKEN` where the registry of keys wants a bearer token."""

    key_converter_bearer_auth_token: Annotated[SecretStr | None, LOW] = None
    """The bearer token for the registry of keys."""

    key_converter_bearer_auth_logical_cluster: Annotated[str | None, LOW] = None
    """The registry's logical cluster, which goes with the token in Confluent Cloud."""

    key_converter_bearer_auth_identity_pool_id: Annotated[str | None, LOW] = None
    """The identity pool, which goes with the token in Confluent Cloud."""

    key_converter_enhanced_avro_schema_support: Annotated[bool, LOW] = False
    """Whether union branches of Avro keys have their full names, as in Confluent's AvroConverter."""

    key_converter_json_fail_invalid_schema: Annotated[bool, LOW] = False
    """Whether `jsonschema` refuses keys that their schema does not allow."""

    key_converter_generate_index_for_unions: Annotated[bool, LOW] = True
    """Whether a oneof of Protobuf keys has its index at the end of its name, as in Confluent's ProtobufConverter."""

    key_converter_flatten_unions: Annotated[bool, LOW] = False
    """Whether the fields of a oneof of Protobuf keys stand among the others, and not in an object of their own."""

    key_converter_int_for_enums: Annotated[bool, LOW] = False
    """Whether enums of Protobuf keys are written as numbers."""

    key_converter_wrapper_for_nullables: Annotated[bool, LOW] = False
    """Whether google.protobuf.StringValue and its like in Protobuf keys are values that may be null."""

    value_converter_schema_registry_url: Annotated[CommaList, MEDIUM] = ()
    """Addresses of the schema registry of values: as for keys."""

    value_converter_basic_auth_credentials_source: BasicSource = "URL"
    """Where the user name and password for the registry of values stand: in its `URL`, or in `USER_INFO`."""

    value_converter_basic_auth_user_info: Annotated[
        SecretStr | None, Declared("low", aliases=("value.converter.schema.registry.basic.auth.user.info",))
    ] = None
    """`user:password` for the registry of values, with `USER_INFO`."""

    value_converter_bearer_auth_credentials_source: BearerSource = None
    """`STATIC_TOKEN` where the registry of values wants a bearer token."""

    value_converter_bearer_auth_token: Annotated[SecretStr | None, LOW] = None
    """The bearer token for the registry of values."""

    value_converter_bearer_auth_logical_cluster: Annotated[str | None, LOW] = None
    """The registry's logical cluster, which goes with the token in Confluent Cloud."""

    value_converter_bearer_auth_identity_pool_id: Annotated[str | None, LOW] = None
    """The identity pool, which goes with the token in Confluent Cloud."""

    value_converter_enhanced_avro_schema_support: Annotated[bool, LOW] = False
    """Whether union branches of Avro values have their full names, as in Confluent's AvroConverter."""

    value_converter_json_fail_invalid_schema: Annotated[bool, LOW] = False
    """Whether `jsonschema` refuses values that their schema does not allow."""

    value_converter_generate_index_for_unions: Annotated[bool, LOW] = True
    """Whether a oneof of Protobuf values has its index at the end of its name, as in Confluent's ProtobufConverter."""

    value_converter_flatten_unions: Annotated[bool, LOW] = False
    """Whether the fields of a oneof of Protobuf values stand among the others, and not in an object of their own."""

    value_converter_int_for_enums: Annotated[bool, LOW] = False
    """Whether enums of Protobuf values are written as numbers."""

    value_converter_wrapper_for_nullables: Annotated[bool, LOW] = False
    """Whether google.protobuf.StringValue and its like in Protobuf values are values that may be null."""
