/** The server that is measured: the engine of a terminator without its sockets. */
import type { ConnectionEvent } from '../../src/connection/event.ts';
import { ServerConnection } from '../../src/connection/server.ts';
import type { CryptoProvider, SignatureProvider, Signer } from '../../src/crypto/provider.ts';
import type { HostConfig, ServerConfig } from '../../src/handshake/config.ts';
import { SignatureScheme } from '../../src/registry/signature_scheme.ts';
import { TicketKeyRing } from '../../src/session/ticket_key_ring.ts';
import { BufferPool } from '../../src/stream/buffer_pool.ts';
import { type EffectHandlers, runEffect } from '../../src/stream/effect_runner.ts';

export type Bytes = Uint8Array<ArrayBuffer>;
type Random = (length: number) => Uint8Array;

export interface Identity {
  readonly certificate: Bytes;
  readonly scalar: Bytes;
  readonly ticketKey: { readonly name: Bytes; readonly secret: Bytes };
  readonly now: number;
}

const REGION = 64 * 1024;

export class Server {
  readonly signatures: (random: Random) => SignatureProvider;
  /** Answers each byte of application data with one. */
  answer = false;
  readonly #config: ServerConfig;
  readonly #effects: EffectHandlers;
  readonly #pool: BufferPool;
  readonly #reply: Uint8Array;

  /** `memory`: where records are opened and sealed, the provider's own for choice. */
  constructor(
    crypto: CryptoProvider,
    signatures: (random: Random) => SignatureProvider,
    identity: Identity,
    random: Random,
    memory: Uint8Array = new Uint8Array(8 * REGION),
  ) {
    this.signatures = signatures;
    this.#reply = memory.subarray(memory.length - 1);
    const pool = this.#pool = new BufferPool(memory.subarray(0, memory.length - 1), REGION);
    const signer = signatures(random).signer({
      type: 'ecdsa_p256',
      schemes: [SignatureScheme.ecdsa_secp256r1_sha256],
      pkcs8: new Uint8Array(0),
      scalar: identity.scalar,
    }) as Signer;
    const tickets = new TicketKeyRing(crypto, random);
    tickets.replace([{ ...identity.ticketKey, notBefore: identity.now - 1000 }]);
    const host: HostConfig = {
      chain: [identity.certificate],
      signer,
      sessionContext: '0123456789abcdef0123456789abcdef',
    };
    this.#effects = { selectCredentials: () => host };
    this.#config = {
      crypto,
      random,
      now: () => identity.now,
      memory: { output: (length) => pool.take(length), plaintext: (length) => pool.take(length) },
      tickets: { store: tickets, withFirstData: true },
    };
  }

  connect(): ServerConnection {
    return new ServerConnection(this.#config);
  }

  /** One piece of input and all that follows from it; the events of interest are answered. The output is taken by the caller. */
  receive(connection: ServerConnection, bytes: Uint8Array): readonly ConnectionEvent[] {
    this.#pool.begin();
    connection.receive(bytes);
    for (let effect = connection.pending; effect !== undefined; effect = connection.pending) {
      connection.resolve(runEffect(effect, this.#effects));
    }
    const events = connection.takeEvents();
    for (const event of events) {
      if (event.type === 'data' && this.answer) connection.send(this.#reply);
      else if (event.type === 'end') connection.close();
      else if (event.type === 'failed') throw event.error;
    }
    this.#pool.settle();
    return events;
  }
}
