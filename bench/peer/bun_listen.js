// Bun.listen with TLS in front of a TCP backend, with backpressure both ways.
// bun bun_listen.js PORT BACKEND_PORT CERT KEY
const [port, backend, cert, key] = process.argv.slice(2);

// One end of a proxied connection. `pending` is what its socket could not take yet; the other end is paused meanwhile.
class End {
  socket;
  other;
  pending;

  deliver(bytes) {
    const written = this.socket === undefined || this.pending !== undefined ? 0 : this.write(bytes);
    if (written === bytes.length) return;
    const rest = bytes.subarray(written);
    this.pending = this.pending === undefined ? Buffer.from(rest) : Buffer.concat([this.pending, rest]);
    this.other.socket.pause();
  }

  drain() {
    if (this.pending === undefined || this.socket === undefined) return;
    const written = this.write(this.pending);
    this.pending = written < this.pending.length ? this.pending.subarray(written) : undefined;
    if (this.pending === undefined) this.other.socket.resume();
  }

  write(bytes) {
    return Math.max(this.socket.write(bytes), 0);
  }
}

// `data` of each socket is its End.
const handlers = {
  data: (socket, bytes) => socket.data.other.deliver(bytes),
  drain: (socket) => socket.data.drain(),
  end: (socket) => socket.data.other.socket?.end(),
  close: (socket) => socket.data.other.socket?.end(),
  error: (socket) => socket.data.other.socket?.end(),
};

Bun.listen({
  hostname: '127.0.0.1',
  port: Number(port),
  tls: { cert: Bun.file(cert), key: Bun.file(key) },
  socket: {
    ...handlers,
    open(client) {
      const near = client.data = new End();
      const far = new End();
      near.socket = client;
      near.other = far;
      far.other = near;
      const open = (upstream) => {
        far.socket = upstream;
        far.drain();
      };
      Bun.connect({
        hostname: '127.0.0.1',
        port: Number(backend),
        data: far,
        socket: { ...handlers, open },
      })
        .catch(() => client.end());
    },
  },
});
