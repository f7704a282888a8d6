import { UsageError } from '../error.ts';

/** One block of a PEM file (RFC 7468, and the headers of RFC 1421 that OpenSSL's old key files have). */
export interface PemBlock {
  readonly label: string;
  /** `Proc-Type` and the like, by lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly bytes: Uint8Array;
}

const BEGIN = /^-----BEGIN ([^-]+)-----\s*$/;

/** Whether a file is PEM rather than DER. */
export function isPem(file: Uint8Array): boolean {
  return new TextDecoder('latin1').decode(file).includes('-----BEGIN ');
}

/** All blocks of a PEM file, in order; text around them is ignored. `label` names the file in errors. */
export function readPem(file: Uint8Array, label: string): PemBlock[] {
  const lines = new TextDecoder('latin1').decode(file).split(/\r\n|\n|\r/);
  const blocks: PemBlock[] = [];
  for (let at = 0; at < lines.length; at++) {
    const name = BEGIN.exec(lines[at] ?? '')?.[1];
    if (name === undefined) continue;
    const end = lines.findIndex((line, index) => index > at && line.startsWith('-----'));
    if (end === -1 || lines[end]?.trimEnd() !== `-----END ${name}-----`) {
      throw new UsageError(
        `${label}: the block "BEGIN ${name}" on line ${at + 1} has no "END ${name}": the file is cut off`,
      );
    }
    blocks.push(readBlock(name, lines.slice(at + 1, end), `${label}: "${name}" on line ${at + 1}`));
    at = end;
  }
  return blocks;
}

function readBlock(label: string, lines: readonly string[], where: string): PemBlock {
  const headers = new Map<string, string>();
  let first = 0;
  for (; first < lines.length; first++) {
    const header = /^([A-Za-z0-9-]+):\s*(.*)$/.exec(lines[first] ?? '');
    if (header !== null) headers.set((header[1] ?? '').toLowerCase(), header[2] ?? '');
    else if (headers.size === 0 || lines[first]?.trim() === '') break;
  }
  return { label, headers, bytes: decodeBase64(lines.slice(first).join(''), where) };
}

function decodeBase64(text: string, where: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text.replace(/\s+/g, '')), (character) => character.charCodeAt(0));
  } catch {
    throw new UsageError(`${where} is not base64: the file is damaged, copy it again`);
  }
}

/** RFC 7468: 64 characters a line. */
export function writePem(label: string, bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  const lines = btoa(binary).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
