/** What only an interactive client does: OpenSSL's, told what to send, showing the messages it sends and gets. */
import { spawn, spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { Backend } from '../support/backend.ts';
import { certificateFiles, Command } from '../support/command.ts';

const missing = spawnSync('openssl', ['version']).error === undefined ? undefined : 'no openssl on PATH';

/** An `openssl s_client -msg` whose output can be waited for. */
class OpenSslClient {
  output = '';
  readonly #process;
  #waiting: (() => void)[] = [];

  constructor(port: number, rootFile: string, ...more: string[]) {
    // deno-fmt-ignore
    this.#process = spawn('openssl', [
      's_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost', '-CAfile', rootFile, '-tls1_3', '-msg', ...more,
    ]);
    const read = (chunk: Buffer): void => {
      this.output += chunk.toString('latin1');
      for (const wake of this.#waiting.splice(0)) wake();
    };
    this.#process.stdout.on('data', read);
    this.#process.stderr.on('data', read);
    this.#process.on('close', () => read(Buffer.from('\nclosed\n')));
  }

  async see(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.output)) {
      if (this.output.endsWith('\nclosed\n')) throw new Error(`ended without ${pattern}: ${this.output}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** A line of text, or one of its commands: `K` and `k` update keys, `Q` ends. It takes one at a time. */
  type(line: string): void {
    this.#process.stdin.write(`${line}\n`);
  }

  count(message: string): number {
    return this.output.split(`], ${message}`).length - 1;
  }
}

describe.skipIf(missing !== undefined)(`openssl s_client${missing === undefined ? '' : ` (${missing})`}`, () => {
  test('updates its key, and has ours updated, in the middle of the data', async () => {
    const backend = await Backend.echo();
    const { args, rootFile } = certificateFiles();
    const command = await Command.start([...backend.args, ...args]);
    const client = new OpenSslClient(command.port, rootFile);
    client.type('before');
    await client.see(/^before$/m);
    client.type('k');
    await client.see(/>>> TLS 1\.3, Handshake \[length 0005\], KeyUpdate/);
    client.type('between');
    await client.see(/^between$/m);
    expect(client.count('KeyUpdate')).toBe(1);
    // Asks for an update in return; ours comes before the next data.
    client.type('K');
    await client.see(/(?:>>>[^>]*KeyUpdate[^]*){2}/);
    client.type('after');
    await client.see(/^after$/m);
    expect(client.output).toMatch(/<<< TLS 1\.3, Handshake \[length 0005\], KeyUpdate/);
    expect(client.count('KeyUpdate')).toBe(3);
    client.type('Q');
    await client.see(/\nclosed\n/);
  });

  test('offers a share again after a HelloRetryRequest', async () => {
    const backend = await Backend.echo();
    const { args, rootFile } = certificateFiles();
    const command = await Command.start([...backend.args, ...args, '--groups', 'x25519']);
    const client = new OpenSslClient(command.port, rootFile, '-groups', 'P-384:X25519');
    client.type('hello');
    await client.see(/^hello$/m);
    expect(client.count('ClientHello')).toBe(2);
    expect(client.count('ServerHello')).toBe(2);
    expect(client.output).toContain('Verify return code: 0 (ok)');
    client.type('Q');
    const { group } = await command.logged('connection closed') as unknown as { group: string };
    expect(group).toBe('x25519');
  });
});
