"""What the scripts in Python share: showing what a client sees."""
import faulthandler
import os
import threading

faulthandler.dump_traceback_later(50, exit=True)

THEN = os.environ.get("FORESHADOW_THEN")
KINDS = "SELECT * FROM kinds ORDER BY id"
NEVER_ENDS = "SELECT count(*) FROM orders a, orders b, orders c WHERE a.id + b.id + c.id < 0"
MISTAKES = [
    "SELECT * FROM missing", "SELECT missing FROM orders", "SELECT 1/0", "SELECT id / (id - id) FROM orders", "SELECT id FROM orders WHER id = 1",
    "SELECT amount FROM salaries", "SELECT * FROM orders WHERE lower(total) = 'a'", "SELECT 'x'::integer FROM orders", "SELECT nothing()",
]


def rows(title, result):
    """Prints every value with its type."""
    print("==", title)
    for row in result:
        for value in row:
            if isinstance(value, memoryview):
                value = bytes(value)
            print("  ", type(value).__name__, repr(value))
        print("  --")


def own(value, execute, sqlstate):
    """Prints what only an agent has. value(sql) reads one value, execute(sql) runs a statement, sqlstate(error) is its code."""
    if not THEN:
        return
    print("== foreshadow")
    print("state:", value("SELECT state FROM foreshadow.capture_status"))
    print("events now:", value("SELECT count(*) FROM events"))
    execute(f"SET foreshadow.as_of = '{THEN}'")
    print("events then, by session:", value("SELECT count(*) FROM events"))
    execute("RESET foreshadow.as_of")
    print("events then, by parameter:", value("SELECT count(*) FROM events AS OF {}", THEN))
    print("deleted since:", value("SELECT count(*) FROM foreshadow.change_log WHERE relation = {} AND transaction_type = 'delete'", "public.events"))
    try:
        execute("UPDATE orders SET id = 0")
    except Exception as error:
        print("write:", sqlstate(error))


class Cancelling:
    """Cancels again and again until the block ends: a request that comes before the statement is lost."""

    def __init__(self, cancel):
        self.cancel, self.over = cancel, threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.loop)
        self.thread.start()

    def loop(self):
        while not self.over.wait(0.2):
            self.cancel()

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
