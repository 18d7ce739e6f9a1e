from collections.abc import Callable

from kafka_lambda_sink.config.loading import LoadedConfig
from kafka_lambda_sink.core.errors import Problem

FIVE = """\
name=orders
bootstrap.servers=localhost:9092
topics=orders
aws.lambda.function.name=handle-orders
aws.lambda.region=eu-west-1
"""

Load = Callable[..., LoadedConfig]
Refuse = Callable[..., list[Problem]]
