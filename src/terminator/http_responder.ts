import type { Address, Listener, Network, Socket, SocketHandler } from '../socket/socket.ts';

export interface HttpRequest {
  readonly method: string;
  /** Path with query, as sent. */
  readonly target: string;
}

export interface HttpResponse {
  readonly status?: '200 OK' | '404 Not Found' | '405 Method Not Allowed';
  readonly contentType: string;
  readonly body: string;
}

export type Respond = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

/** Bytes of request line and header fields. */
const HEAD_LIMIT = 16 * 1024;

/**
 * Just enough HTTP/1.1 to serve metrics and the demonstration backend on any runtime: every request gets a small text
 * answer, request bodies are read and dropped, connections are kept alive. Not a web server.
 */
export function serveHttp(
  network: Network,
  address: Address,
  respond: Respond,
): Promise<Listener> {
  return network.listen(address, (socket) => {
    socket.handler = new HttpConnection(socket, respond);
    socket.resume();
  });
}

class HttpConnection implements SocketHandler {
  readonly #socket: Socket;
  readonly #respond: Respond;
  #head = '';
  /** Bytes of the request's body that are still to come. */
  #bodyLeft = 0;
  /** Settles when all requests so far are answered. */
  #answers: Promise<void> = Promise.resolve();

  constructor(socket: Socket, respond: Respond) {
    this.#socket = socket;
    this.#respond = respond;
  }

  connected(): void {}

  received(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#bodyLeft > 0) {
        const taken = Math.min(this.#bodyLeft, rest.length);
        this.#bodyLeft -= taken;
        rest = rest.subarray(taken);
      } else {
        rest = this.#readHead(rest);
      }
    }
  }

  receivedEnd(): void {
    void this.#answers.then(() => this.#socket.end());
  }

  /** Answers are small and the next request is only asked for by the client: nothing needs to wait. */
  drained(): void {}

  closed(): void {}

  /** Takes bytes up to the end of a request head, and answers it when it is whole. Returns what follows. */
  #readHead(bytes: Uint8Array): Uint8Array {
    const before = this.#head.length;
    this.#head += String.fromCharCode(...bytes.subarray(0, HEAD_LIMIT));
    const end = this.#head.indexOf('\r\n\r\n');
    if (end < 0) {
      if (this.#head.length > HEAD_LIMIT) this.#socket.destroy();
      return bytes.subarray(bytes.length);
    }
    const head = this.#head.slice(0, end);
    this.#head = '';
    this.#answer(head);
    return bytes.subarray(end + 4 - before);
  }

  #answer(head: string): void {
    const [method = '', target = '', version = ''] = (head.split('\r\n', 1)[0] as string).split(' ');
    if (!version.startsWith('HTTP/1.')) {
      this.#socket.destroy();
      return;
    }
    // A body in chunks is not decoded: it is read to the end of the connection.
    const chunked = /^transfer-encoding:/im.test(head);
    this.#bodyLeft = chunked ? Infinity : Number(/^content-length:\s*(\d+)\s*$/im.exec(head)?.[1] ?? 0);
    if (/^expect:\s*100-continue/im.test(head)) this.#write('HTTP/1.1 100 Continue\r\n\r\n');
    const close = chunked || /^connection:.*\bclose\b/im.test(head) || version === 'HTTP/1.0';
    this.#answers = this.#answers.then(() => this.#send({ method, target }, close)).catch(() => this.#socket.destroy());
  }

  async #send(request: HttpRequest, close: boolean): Promise<void> {
    const { status = '200 OK', contentType, body } = await this.#respond(request);
    const length = new TextEncoder().encode(body).length;
    this.#write(
      `HTTP/1.1 ${status}\r\nContent-Type: ${contentType}\r\nContent-Length: ${length}\r\n` +
        `Connection: ${close ? 'close' : 'keep-alive'}\r\n\r\n${request.method === 'HEAD' ? '' : body}`,
    );
    if (close) this.#socket.end();
  }

  #write(text: string): void {
    this.#socket.write(new TextEncoder().encode(text));
  }
}
