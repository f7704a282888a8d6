import { expect, test } from 'vitest';
import { Metrics } from '../../src/observe/metrics.ts';

test('counters and histograms in the Prometheus text format', () => {
  const metrics = new Metrics();
  metrics.connections = 3;
  metrics.handshake('TLS_AES_128_GCM_SHA256', 'x25519', false, 0.004);
  metrics.handshake('TLS_AES_128_GCM_SHA256', 'x25519', false, 20);
  metrics.failure('not_tls');
  const text = metrics.render();
  expect(text).toContain('\nsallyport_connections_total 3\n');
  expect(text).toContain(
    'sallyport_handshakes_total{suite="TLS_AES_128_GCM_SHA256",group="x25519",resumed="false"} 2\n',
  );
  expect(text).toContain('sallyport_failures_total{reason="not_tls"} 1\n');
  expect(text).toContain('sallyport_handshake_seconds_bucket{le="0.0025"} 0\n');
  expect(text).toContain('sallyport_handshake_seconds_bucket{le="0.005"} 1\n');
  expect(text).toContain('sallyport_handshake_seconds_bucket{le="10"} 1\n');
  expect(text).toContain('sallyport_handshake_seconds_bucket{le="+Inf"} 2\n');
  for (const line of text.trimEnd().split('\n')) {
    expect(line).toMatch(/^(# (HELP|TYPE) sallyport_\w+ .+|sallyport_\w+(\{[^}]*\})? [\d.e+-]+)$/);
  }
});
