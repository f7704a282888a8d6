import { UsageError } from '../error.ts';
import {
  type ClientConfig,
  type CommonConfig,
  DEFAULT_LIMITS,
  type Limits,
  type ServerConfig,
} from '../handshake/config.ts';
import { CertificateType } from '../registry/certificate_type.ts';
import { HANDSHAKE_SCHEMES } from '../registry/signature_scheme.ts';
import { MAX_TICKET_LIFETIME } from '../session/session.ts';

/** Every option there is: the compiler keeps the lists complete. */
const COMMON: Record<keyof CommonConfig, true> = {
  crypto: true,
  random: true,
  now: true,
  memory: true,
  cipherSuites: true,
  groups: true,
  applicationProtocols: true,
  paddingMultiple: true,
  maxFragmentLength: true,
  receiveFragmentLength: true,
  rampRecords: true,
  certificateCompression: true,
  keyLog: true,
  limits: true,
};

const SERVER: Record<keyof ServerConfig, true> = {
  ...COMMON,
  clientAuthentication: true,
  verifySchemes: true,
  encryptedClientHello: true,
  requireServerName: true,
  tickets: true,
  grease: true,
  earlyData: true,
  externalPsk: true,
};

const CLIENT: Record<keyof ClientConfig, true> = {
  ...COMMON,
  serverName: true,
  credentials: true,
  verifySchemes: true,
  serverCertificateTypes: true,
  keyShareGroups: true,
  requestOcsp: true,
  resume: true,
};

/** Configurations that were checked, with their limits: many connections share one. */
const checked: WeakMap<CommonConfig, Limits> = new WeakMap();

/** Throws `UsageError` for an option that is unknown, unsupported or out of range; gives the limits with their defaults. */
export function checkServerConfig(config: ServerConfig): Limits {
  return checkOnce(config, SERVER, () => {
    if (config.earlyData !== undefined && config.tickets === undefined) throw new UsageError('earlyData needs tickets');
    range('tickets.count', config.tickets?.count, 0, 16);
    // 9846-4.7.1-11
    range('tickets.lifetime', config.tickets?.lifetime, 1, MAX_TICKET_LIFETIME);
    handshakeSchemes('verifySchemes', config.verifySchemes);
    certificateTypes('clientAuthentication.certificateTypes', config.clientAuthentication?.certificateTypes);
    range('earlyData.maxSize', config.earlyData?.maxSize, 0, 0xffffffff);
    range('earlyData.ageTolerance', config.earlyData?.ageTolerance, 0, 600_000);
  });
}

export function checkClientConfig(config: ClientConfig): Limits {
  return checkOnce(config, CLIENT, () => {
    handshakeSchemes('verifySchemes', config.verifySchemes);
    certificateTypes('serverCertificateTypes', config.serverCertificateTypes);
    for (const group of config.keyShareGroups ?? []) {
      // 9846-9.3-4
      if (!config.crypto.keyExchanges.has(group)) throw new UsageError(`keyShareGroups: ${group} is not supported`);
    }
  });
}

function checkOnce(config: CommonConfig, options: Readonly<Record<string, true>>, checkRole: () => void): Limits {
  let limits = checked.get(config);
  if (limits === undefined) {
    for (const name in config) if (options[name] !== true) throw new UsageError(`unknown option: ${name}`);
    checkCommon(config);
    checkRole();
    checked.set(config, limits = { ...DEFAULT_LIMITS, ...config.limits });
  }
  return limits;
}

function checkCommon(config: CommonConfig): void {
  range('paddingMultiple', config.paddingMultiple, 1, 16384);
  range('maxFragmentLength', config.maxFragmentLength, 64, 16384);
  range('receiveFragmentLength', config.receiveFragmentLength, 64, 16384);
  for (const [name, value] of Object.entries(config.limits ?? {})) {
    if (!(name in DEFAULT_LIMITS)) throw new UsageError(`limits.${name}: unknown limit`);
    range(`limits.${name}`, value, 0, 0xffffff);
  }
  const { groups = [] } = config;
  // 9846-4.3.7-1
  if (new Set(groups).size < groups.length) throw new UsageError('groups: one is listed twice');
  for (const group of groups) {
    // 9846-9.3-4
    if (!config.crypto.keyExchanges.has(group)) throw new UsageError(`groups: ${group} is not supported`);
  }
  for (const suite of config.cipherSuites ?? []) {
    if (!config.crypto.aeads.has(suite)) throw new UsageError(`cipherSuites: ${suite} is not supported`);
  }
  for (const name of config.applicationProtocols ?? []) {
    if (name.length < 1 || name.length > 255) throw new UsageError('applicationProtocols: a name has 1 to 255 bytes');
  }
}

function certificateTypes(name: string, types: readonly number[] | undefined): void {
  if (types === undefined) return;
  if (types.length === 0 || new Set(types).size < types.length) {
    throw new UsageError(`${name}: at least one, and none twice`);
  }
  const unknown = types.find((type) => type !== CertificateType.X509 && type !== CertificateType.RawPublicKey);
  if (unknown !== undefined) throw new UsageError(`${name}: ${unknown} is neither X509 (0) nor RawPublicKey (2)`);
}

function handshakeSchemes(name: string, schemes: readonly number[] | undefined): void {
  if (schemes === undefined) return;
  if (schemes.length === 0 || new Set(schemes).size < schemes.length) {
    throw new UsageError(`${name}: at least one, and none twice`);
  }
  const unknown = schemes.find((scheme) => !HANDSHAKE_SCHEMES.has(scheme));
  if (unknown !== undefined) throw new UsageError(`${name}: 0x${unknown.toString(16)} cannot verify a handshake`);
}

function range(name: string, value: number | undefined, minimum: number, maximum: number): void {
  if (value === undefined) return;
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw new UsageError(`${name}: ${value} is not a whole number from ${minimum} to ${maximum}`);
  }
}
