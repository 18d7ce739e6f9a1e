"""What goes beside the payload, as it is configured."""

from __future__ import annotations

import pytest

from tests.support.config_text import FIVE, Load, Refuse


def test_nothing_goes_beside_the_payload_unless_it_is_asked_for(load_text: Load):
    sink = load_text().sink
    assert not sink.aws_lambda_client_context
    assert not sink.aws_lambda_trace_propagate
    assert not sink.aws_lambda_durable_name
    assert sink.aws_lambda_tenant_id_from is None
    assert (sink.aws_lambda_endpoint_fips, sink.aws_lambda_endpoint_dualstack) == (None, None)


@pytest.mark.parametrize("source", ["key", "header:X-Tenant", "value:customer.tenant"])
def test_where_a_record_may_say_its_tenant(load_text: Load, source: str):
    assert load_text(f"aws.lambda.tenant.id.from={source}\n").sink.aws_lambda_tenant_id_from == source


def test_a_blank_tenant_source_is_none(load_text: Load):
    assert load_text("aws.lambda.tenant.id.from= \n").sink.aws_lambda_tenant_id_from is None


@pytest.mark.parametrize("source", ["tenant", "header:", "value:a.*", "value:.a"])
def test_what_is_no_tenant_source(refuse_text: Refuse, source: str):
    (problem,) = refuse_text(f"aws.lambda.tenant.id.from={source}\n")
    assert (problem.key, problem.error_id) == ("aws.lambda.tenant.id.from", "invalid-value")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("aws.lambda.tenant.id.from=value:a\nvalue.converter=string\n", "aws.lambda.tenant.id.from"),
        ("aws.lambda.endpoint.fips=true\naws.lambda.endpoint.url=https://vpce.example\n", "aws.lambda.endpoint.fips"),
        (
            "aws.lambda.endpoint.dualstack=true\naws.lambda.endpoint.url=https://vpce.example\n",
            "aws.lambda.endpoint.dualstack",
        ),
    ],
)
def test_what_contradicts_another_property(refuse_text: Refuse, text: str, key: str):
    (problem,) = refuse_text(text)
    assert (problem.key, problem.error_id) == (key, "conflict")


def test_an_endpoint_of_ones_own_goes_with_variants_that_are_off(load_text: Load):
    text = "aws.lambda.endpoint.fips=false\naws.lambda.endpoint.url=https://vpce.example\n"
    assert load_text(text).sink.aws_lambda_endpoint_fips is False


def test_async_has_no_client_context(load_text: Load):
    (warning,) = load_text("aws.lambda.client.context=true\naws.lambda.invocation.type=async\n").warnings
    assert (warning.key, warning.error_id) == ("aws.lambda.client.context", "no-effect")


def test_a_durable_function_is_named_with_what_runs_of_it(load_text: Load):
    (warning,) = load_text("aws.lambda.durable.name=true\n").warnings
    assert (warning.key, warning.error_id) == ("aws.lambda.durable.name", "no-effect")
    assert "handle-orders" in warning.message
    several = FIVE.replace("topics=orders", "topics=orders,returns") + (
        "aws.lambda.configuration.mode=multiple\naws.lambda.durable.name=true\n"
        "aws.lambda.topic2function.map=returns;refund:7\n"
    )
    (warning,) = load_text(several, bare=True).warnings
    assert "handle-orders" in warning.message
    assert "refund" not in warning.message


@pytest.mark.parametrize("qualifier", ["live", "7", "$LATEST"])
def test_a_durable_function_with_a_qualifier(load_text: Load, qualifier: str):
    text = FIVE.replace("handle-orders", f"handle-orders:{qualifier}") + "aws.lambda.durable.name=true\n"
    assert load_text(text, bare=True).warnings == []
