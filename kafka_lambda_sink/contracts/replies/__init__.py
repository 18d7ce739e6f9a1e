"""What replies say of the records of a batch: `aws.lambda.reply.contract`."""
