resource "aws_lambda_event_source_mapping" "clicks" {
  function_name     = "arn:aws:lambda:us-east-1:123456789012:function:clicks"
  topics            = ["clicks"]
  starting_position = "LATEST"

  self_managed_event_source {
    endpoints = {
      KAFKA_BOOTSTRAP_SERVERS = "${var.broker}:9092"
    }
  }

  self_managed_kafka_event_source_config {
    consumer_group_id = "clicks-trigger"
  }

  source_access_configuration {
    type = "VPC_SUBNET"
    uri  = "subnet:${aws_subnet.a.id}"
  }

  source_access_configuration {
    type = "BASIC_AUTH"
    uri  = aws_secretsmanager_secret.kafka.arn
  }
}
