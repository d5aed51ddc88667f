"""Many connections at once, for floods and storms."""
import resource
import socket
import ssl
import threading
import time

from kith_server import wait_until


def allow_descriptors(count):
    """Raises our own limit as far as we may; returns how many there are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        soft = min(count, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


def connect_many(server, count, port="c2s", first=b""):
    """Open sockets, each of which has sent the first bytes."""
    allow_descriptors(count + 200)
    sockets = []
    for i in range(count):
        sock = socket.create_connection((server.host, server.ports[port]), 10,
                                        source_address=(address(i), 0))
        if first:
            sock.sendall(first)
        sockets.append(sock)
    return sockets


def address(number):
    """A loopback address of its own for each of many peers."""
    return f"127.{1 + number // 62500 % 250}.{number // 250 % 250}.{1 + number % 250}"


def is_closed(sock):
    """Whether the peer has closed; reads and drops what it said before."""
    sock.setblocking(False)
    try:
        while True:
            if not sock.recv(65536):
                return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def wait_all_closed(sockets, timeout):
    """Waits until the peer has closed each of them; returns the seconds it took."""
    start, left = time.monotonic(), list(sockets)

    def sweep():
        left[:] = [sock for sock in left if not is_closed(sock)]
        return not left
    wait_until(sweep, timeout, f"{len(left)} connections to be closed", 0.05)
    for sock in sockets:
        sock.close()
    return time.monotonic() - start


def client_hello(domain):
    """The first flight of a TLS client, as bytes."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=domain)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def in_parallel(count, workers, action):
    """Runs action(i) for every i below count; returns results, raises the first error."""
    results, errors, numbers = [None] * count, [], iter(range(count))
    lock = threading.Lock()

    def work():
        while not errors:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            try:
                results[number] = action(number)
            except BaseException as error:
                errors.append(error)
    threads = [threading.Thread(target=work, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results
