import { expect, test } from 'vitest';
import { Log, type LogFormat, type LogLevel } from '../../src/observe/log.ts';

function lines(level: LogLevel, format: LogFormat, write: (log: Log) => void): string[] {
  const written: string[] = [];
  write(new Log(level, format, (line) => written.push(line), () => 0));
  return written;
}

test('text: bare values stay bare, others are quoted, absent ones are left out', () => {
  const written = lines('info', 'text', (log) => {
    log.info('connection closed', { peer: '[::1]:5', sni: undefined, reason: 'two words', sent: 12 });
  });
  expect(written).toEqual([
    '1970-01-01T00:00:00.000Z info connection closed peer=[::1]:5 reason="two words" sent=12\n',
  ]);
});

test('json: one object per line', () => {
  const [line = ''] = lines('info', 'json', (log) => log.warning('x', { a: 1, b: undefined, c: 'd' }));
  expect(JSON.parse(line)).toEqual({ time: '1970-01-01T00:00:00.000Z', level: 'warning', event: 'x', a: 1, c: 'd' });
  expect(line.endsWith('}\n')).toBe(true);
});

test('levels: only what is heavy enough', () => {
  const all = (log: Log): void => {
    log.debug('d');
    log.info('i');
    log.warning('w');
    log.error('e');
  };
  expect(lines('debug', 'text', all)).toHaveLength(4);
  expect(lines('warning', 'text', all)).toHaveLength(2);
  expect(lines('silent', 'text', all)).toHaveLength(0);
});

test.each(['text', 'json'] as const)(
  '%s: what a peer says cannot forge lines, fields or terminal commands',
  (format) => {
    const evil = 'a" sent=1\r\n1970 info forged\u001b[2J\u009b2J\u2028\u202e\u0000\u007f b=c';
    const written = lines('info', format, (log) => log.info('handshake failed', { alpn: evil }));
    expect(written).toHaveLength(1);
    const [line = ''] = written;
    expect(line.slice(0, -1)).toMatch(/^[\x20-\x7e]+$/);
    if (format === 'json') expect(JSON.parse(line).alpn).toBe(evil);
    else expect(JSON.parse(line.slice(line.indexOf('alpn=') + 5))).toBe(evil);
  },
);
