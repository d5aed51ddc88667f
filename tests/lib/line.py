"""A line between a client and the server that a test can cut and mend."""
import asyncio
import contextlib


class Line:
    """Listens on a port of its own and passes bytes on, both ways, while it is whole."""

    def __init__(self, host, port):
        self.host, self.target, self.listener, self.port = host, port, None, 0
        self.pipes = set()

    async def __aenter__(self):
        await self.mend()
        return self

    async def __aexit__(self, *_):
        self.cut()

    async def _accept(self, reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection(self.host, self.target)
        except OSError:
            writer.transport.abort()
            return
        self.pipes |= {writer, far_writer}
        await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))
        self.pipes -= {writer, far_writer}

    @staticmethod
    async def _pass(reader, writer):
        with contextlib.suppress(ConnectionError, OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(ConnectionError, OSError, RuntimeError):
            writer.close()

    def cut(self):
        """As when a train goes into a tunnel: nobody says goodbye, and nobody comes through."""
        self.listener.close()
        for writer in self.pipes:
            writer.transport.abort()

    async def mend(self):
        self.listener = await asyncio.start_server(self._accept, self.host, self.port)
        self.port = self.listener.sockets[0].getsockname()[1]
