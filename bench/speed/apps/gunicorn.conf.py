"""gunicorn for what wxbot is measured against: its own gthread, as many processes and threads as wxbot."""

worker_class = "gthread"
workers = 2
threads = 32
keepalive = 15
timeout = 60
control_socket_disable = True
accesslog = None
