"""The processes around tasks: started, watched, restarted and stopped by one supervisor."""
