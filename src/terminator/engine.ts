import type { CryptoProvider, SignatureProvider } from '../crypto/provider.ts';
import { firstProvider } from '../crypto/webcrypto/first_provider.ts';
import { webCrypto } from '../crypto/webcrypto/subtle.ts';
import { webCryptoSignatures } from '../crypto/webcrypto/signature.ts';
import { MAX_CIPHERTEXT_LENGTH, RECORD_HEADER_LENGTH } from '../record/record.ts';
import { BufferPool } from '../stream/buffer_pool.ts';
import { RecordBuffers } from '../stream/record_buffers.ts';
import type { Network } from '../socket/socket.ts';
import type { CertificateCompression, Environment } from '../handshake/config.ts';
import { pooledRandom } from './random_pool.ts';
import type { Runtime } from './runtime.ts';
import { loadWasmProvider } from './wasm_loader.ts';

/**
 * What all connections of one thread share: the WebAssembly instance whose memory is the data plane, the regions of it that are
 * read into, opened and sealed in, and the network that reads into them.
 */
export interface Engine {
  readonly network: Network;
  readonly pool: BufferPool;
  readonly environment: Environment;
  readonly signatures: SignatureProvider;
  readonly webCrypto: Crypto;
  readonly certificateCompression: CertificateCompression;
}

/**
 * What one read may bring, in bytes: half as much costs a tenth more on downloads of ChaCha20-Poly1305, for what each turn between
 * the two sides of a socket costs the kernel, and twice as much saves nothing.
 */
const READ_REGION = 512 * 1024;
/** A read, what was incomplete before it, and what sealing adds. */
const REGION = READ_REGION + 64 * 1024;
/**
 * Regions in WebAssembly memory: 22.5 MiB. When slow receivers hold all of them, arrays of the length that is needed stand in. Well
 * before that, all reads become short (32 KiB). So a connection that is stalled both ways holds at most 48 KiB of plaintext (a read,
 * and the record it completes), 33 KiB of sealed records and 16 KiB of an incomplete record: 100 KiB, or 2 GB for 20 000
 * connections. On Deno reads that wait hold their buffers, and what they bring to a paused socket: twice that.
 */
const REGION_COUNT = 40;
/** Fewer than this are left: a crowd. */
const SPARE_REGIONS = 16;
/** As long as a record may be, for incomplete ones: 4 MiB, of which only what is used becomes resident. */
const RECORD_BUFFER = RECORD_HEADER_LENGTH + MAX_CIPHERTEXT_LENGTH;
const RECORD_BUFFER_COUNT = 256;

export async function createEngine(runtime: Runtime): Promise<Engine> {
  const crypto = await webCrypto();
  const random = pooledRandom(crypto);
  const provider = loadWasmProvider(runtime);
  const { memory } = provider;
  const readRegion = memory.allocateRegion(runtime.readRegions * READ_REGION);
  const pool = new BufferPool(memory.allocateRegion(REGION_COUNT * REGION), REGION);
  const incomplete = new RecordBuffers(memory.allocateRegion(RECORD_BUFFER_COUNT * RECORD_BUFFER), RECORD_BUFFER);
  return {
    network: runtime.createNetwork(readRegion, () => pool.available < SPARE_REGIONS),
    pool,
    environment: createEnvironment(provider, random, pool, incomplete),
    // RSA alone takes longer than the way to the runtime's thread pool and back.
    signatures: firstProvider(provider.signatures(random), webCryptoSignatures(crypto.subtle)),
    webCrypto: crypto,
    certificateCompression: runtime.certificateCompression,
  };
}

function createEnvironment(
  crypto: CryptoProvider,
  random: Environment['random'],
  pool: BufferPool,
  incomplete: RecordBuffers,
): Environment {
  return {
    crypto,
    random,
    now: Date.now,
    memory: {
      output: (minimumLength) => pool.take(minimumLength),
      plaintext: (minimumLength) => pool.take(minimumLength),
      incomplete,
    },
  };
}
