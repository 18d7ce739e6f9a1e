"""Request formats and response contracts: batch to bytes, reply to verdict. Pure."""
