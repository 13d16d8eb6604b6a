"""gunicorn for what wxbot is measured against: the worker class, processes and threads that wxbot ships."""

worker_class = "gthread"
workers = 2
threads = 32
keepalive = 15
timeout = 60
control_socket_disable = True
accesslog = None
