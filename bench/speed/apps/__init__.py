"""The programs that wxbot is measured against, each as short as its documentation shows it."""
