variable "stage" {
  type    = string
  default = "prod"
}

variable "kafka_servers" {
  type = list(string)
}

locals {
  topic = "orders-${var.stage}"
}

resource "aws_lambda_function" "orders" {
  function_name = "price-orders"
  role          = aws_iam_role.lambda.arn
  package_type  = "Image"
}

resource "aws_lambda_event_source_mapping" "orders" {
  event_source_arn                   = aws_msk_cluster.main.arn
  function_name                      = aws_lambda_function.orders.arn
  topics                             = [local.topic]
  starting_position                  = "TRIM_HORIZON"
  batch_size                         = 500
  maximum_batching_window_in_seconds = 3
  maximum_retry_attempts             = 2
  function_response_types            = ["ReportBatchItemFailures"]

  amazon_managed_kafka_event_source_config {
    consumer_group_id = "lambda-orders-${var.stage}"
  }

  filter_criteria {
    filter {
      pattern = jsonencode({ value = { status = ["paid"], total = [{ numeric = [">", 100] }] } })
    }
  }

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.failed.arn
    }
  }
}

resource "aws_lambda_event_source_mapping" "jobs" {
  event_source_arn = aws_sqs_queue.jobs.arn
  function_name    = "jobs"
}
