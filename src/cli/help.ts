import { OPTIONS } from './option_table.ts';

const WIDTH = 100;
const INDENT = 32;

const INTRODUCTION = `sallyport: a TLS 1.3 terminator

Usage: sallyport [--listen HOST:PORT] [--target HOST:PORT] [--cert FILE --key FILE] [more options]

Without options it makes a certificate for localhost, starts a small HTTP backend inside, and
listens on https://localhost:8443.

Options:
`;

const CONCLUSION = `
Values follow their option after a space or '='. The config file holds one JSON object whose keys
are option names without the dashes; what may be repeated is an array there:
  { "listen": ["0.0.0.0:8443"], "target": "127.0.0.1:8080", "cert": ["a.pem"], "key": ["a.key"] }

Signals: SIGTERM and SIGINT stop accepting and wait for connections to end; a second one ends them
at once. SIGHUP reads certificates and keys again.

Exit codes: 0 after an orderly end, 1 when something broke while running, 2 for wrong input.
`;

export function helpText(): string {
  const own = [
    { flag: '--config FILE', help: 'read options from a JSON file; flags on the command line win' },
    { flag: '--make-ech NAME', help: 'print a new file for --ech, with this public name, and exit' },
    { flag: '-h, --help', help: 'show this and exit' },
    { flag: '-V, --version', help: 'show the version and exit' },
  ];
  const table = OPTIONS.map(({ name, argument, help }) => {
    return { flag: argument === undefined ? `--${name}` : `--${name} ${argument}`, help };
  });
  return INTRODUCTION + [...table, ...own].map(({ flag, help }) => entry(flag, help)).join('') + CONCLUSION;
}

function entry(flag: string, help: string): string {
  const lines = [''];
  for (const word of help.split(' ')) {
    const line = lines.at(-1) as string;
    if (line.length + 1 + word.length > WIDTH - INDENT) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  const margin = ' '.repeat(INDENT);
  const head = `  ${flag}`;
  const start = head.length < INDENT ? head.padEnd(INDENT) : `${head}\n${margin}`;
  return start + lines.join(`\n${margin}`) + '\n';
}
