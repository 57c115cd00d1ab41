"""The port to listen on: taken before anything is started, so that a port in use is told at once."""

import errno
import socket

from api.cli.screen import refuse


def reserve(host: str, port: int, instead: str) -> socket.socket:
    """A socket at this address, not yet listening; refuses where the port is in use."""
    try:
        [(family, kind, _, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        reserved = socket.socket(family, kind)
    except OSError:
        refuse(f"There is no address {host} on this machine. Use --host 127.0.0.1")
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        reserved.bind(address)
    except PermissionError:
        refuse(f"Port {port} is reserved by the system. Choose another one: {instead}")
    except OSError as error:
        reserved.close()
        why = "is in use" if error.errno == errno.EADDRINUSE else f"can't be used ({error.strerror})"
        refuse(f"Port {port} on {host} {why}. Choose another one: {instead}")
    return reserved
