"""The only importer of boto3, botocore and pycurl (`lambda` is a keyword)."""
