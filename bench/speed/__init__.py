"""How fast a scan is answered: wxbot beside what people use today, in one run on one machine."""
