import type { Reason } from '../error.ts';

/** Upper bounds of the latency buckets, in seconds. */
const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

interface Histogram {
  readonly counts: number[];
  sum: number;
  count: number;
}

/** All counters as plain data, to be sent from one process to another. */
export interface MetricsSnapshot {
  readonly counters: Readonly<Record<Counter, number>>;
  readonly handshakes: readonly (readonly [labels: string, count: number])[];
  readonly failures: readonly (readonly [Reason, number])[];
  readonly handshakeLatency: Histogram;
  readonly connectLatency: Histogram;
}

const COUNTERS = [
  'connections',
  'active',
  'refused',
  'acceptFailures',
  'bytesReceived',
  'bytesSent',
  'upstreamFailures',
  'reloads',
  'earlyData',
  'echAccepted',
  'echRejected',
] as const;
type Counter = (typeof COUNTERS)[number];

/** Counters of one terminator. Plain numbers: counting costs nothing worth measuring. */
export class Metrics {
  connections = 0;
  active = 0;
  /** Turned away at the limit. */
  refused = 0;
  /** Could not be accepted, as far as the runtime tells: Deno does, Node resets them silently when files run out. */
  acceptFailures = 0;
  /** Received from and sent to clients, as plaintext. */
  bytesReceived = 0;
  bytesSent = 0;
  upstreamFailures = 0;
  reloads = 0;
  /** Connections whose early data was accepted. */
  earlyData = 0;
  /** Handshakes by what became of the Encrypted Client Hello; noise (GREASE) is rejected too. */
  echAccepted = 0;
  echRejected = 0;
  readonly #handshakes = new Map<string, number>();
  /** What the last handshake was counted under: most are like it. */
  #last = { suite: '', group: '', resumed: false, labels: '' };
  readonly #failures = new Map<Reason, number>();
  readonly #handshakeLatency: Histogram = emptyHistogram();
  readonly #connectLatency: Histogram = emptyHistogram();

  handshake(suite: string, group: string, resumed: boolean, seconds: number): void {
    const last = this.#last;
    if (suite !== last.suite || group !== last.group || resumed !== last.resumed) {
      this.#last = { suite, group, resumed, labels: `suite="${suite}",group="${group}",resumed="${resumed}"` };
    }
    increase(this.#handshakes, this.#last.labels, 1);
    observe(this.#handshakeLatency, seconds);
  }

  failure(reason: Reason): void {
    increase(this.#failures, reason, 1);
  }

  connected(seconds: number): void {
    observe(this.#connectLatency, seconds);
  }

  snapshot(): MetricsSnapshot {
    return {
      counters: Object.fromEntries(COUNTERS.map((name) => [name, this[name]])) as Record<Counter, number>,
      handshakes: [...this.#handshakes],
      failures: [...this.#failures],
      handshakeLatency: this.#handshakeLatency,
      connectLatency: this.#connectLatency,
    };
  }

  /** Adds what another process counted. */
  add(other: MetricsSnapshot): void {
    for (const name of COUNTERS) this[name] += other.counters[name];
    for (const [labels, count] of other.handshakes) increase(this.#handshakes, labels, count);
    for (const [reason, count] of other.failures) increase(this.#failures, reason, count);
    addHistogram(this.#handshakeLatency, other.handshakeLatency);
    addHistogram(this.#connectLatency, other.connectLatency);
  }

  /** Everything in the Prometheus text format 0.0.4. */
  render(): string {
    const lines: string[] = [];
    const counter = (name: string, help: string, value: number, type = 'counter'): void => {
      lines.push(`# HELP sallyport_${name} ${help}`, `# TYPE sallyport_${name} ${type}`, `sallyport_${name} ${value}`);
    };
    counter('connections_total', 'Client connections accepted.', this.connections);
    counter('connections_active', 'Client connections open now.', this.active, 'gauge');
    counter('connections_refused_total', 'Client connections turned away at the limit.', this.refused);
    counter('accept_failures_total', 'Attempts to accept a connection that failed.', this.acceptFailures);
    counter('received_bytes_total', 'Plaintext bytes received from clients.', this.bytesReceived);
    counter('sent_bytes_total', 'Plaintext bytes sent to clients.', this.bytesSent);
    counter(
      'upstream_failures_total',
      'Backends that refused, could not be reached or broke off.',
      this.upstreamFailures,
    );
    counter('early_data_total', 'Connections whose early data (0-RTT) was accepted.', this.earlyData);
    counter('ech_accepted_total', 'Handshakes whose Encrypted Client Hello was opened.', this.echAccepted);
    counter(
      'ech_rejected_total',
      'Handshakes whose Encrypted Client Hello no key opened: an old configuration, or noise (GREASE).',
      this.echRejected,
    );
    counter('reloads_total', 'Certificate reloads that succeeded.', this.reloads);
    lines.push('# HELP sallyport_handshakes_total Handshakes finished.', '# TYPE sallyport_handshakes_total counter');
    for (const [labels, count] of this.#handshakes) lines.push(`sallyport_handshakes_total{${labels}} ${count}`);
    lines.push('# HELP sallyport_failures_total Connections that failed.', '# TYPE sallyport_failures_total counter');
    for (const [reason, count] of this.#failures) lines.push(`sallyport_failures_total{reason="${reason}"} ${count}`);
    renderHistogram(lines, 'handshake_seconds', 'From accept to the end of the handshake.', this.#handshakeLatency);
    renderHistogram(lines, 'upstream_connect_seconds', 'Time to reach the backend.', this.#connectLatency);
    return lines.join('\n') + '\n';
  }
}

function increase<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

function addHistogram(sum: Histogram, other: Histogram): void {
  sum.sum += other.sum;
  sum.count += other.count;
  other.counts.forEach((count, index) => sum.counts[index] = (sum.counts[index] ?? 0) + count);
}

function emptyHistogram(): Histogram {
  return { counts: LATENCY_BUCKETS.map(() => 0), sum: 0, count: 0 };
}

function observe(histogram: Histogram, seconds: number): void {
  histogram.sum += seconds;
  histogram.count++;
  const bucket = LATENCY_BUCKETS.findIndex((bound) => seconds <= bound);
  if (bucket >= 0) histogram.counts[bucket] = (histogram.counts[bucket] ?? 0) + 1;
}

function renderHistogram(lines: string[], name: string, help: string, histogram: Histogram): void {
  lines.push(`# HELP sallyport_${name} ${help}`, `# TYPE sallyport_${name} histogram`);
  let cumulative = 0;
  LATENCY_BUCKETS.forEach((bound, index) => {
    cumulative += histogram.counts[index] ?? 0;
    lines.push(`sallyport_${name}_bucket{le="${bound}"} ${cumulative}`);
  });
  lines.push(`sallyport_${name}_bucket{le="+Inf"} ${histogram.count}`);
  lines.push(`sallyport_${name}_sum ${histogram.sum}`, `sallyport_${name}_count ${histogram.count}`);
}
