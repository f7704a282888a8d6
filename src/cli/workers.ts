import { Metrics } from '../observe/metrics.ts';
import type { Runtime } from '../terminator/runtime.ts';
import type { Terminator } from '../terminator/terminator.ts';
import type { Certificates } from './certificates.ts';
import { introduce } from './demo.ts';
import type { Host } from './host.ts';
import { createLog, createService, reloadFiles, type Shared, startListening, startMetrics } from './serve.ts';
import type { Settings } from './settings.ts';
import { handleSignals } from './signals.ts';
import { formatAddress } from './system_error.ts';
import { WorkerPool } from './worker_pool.ts';

/** How often workers are given the ticket keys anew, in milliseconds. The keys themselves change every eight hours. */
const TICKET_KEY_INTERVAL = 60_000;

/**
 * Serves from `count` workers that share the port. This process checks everything, holds what they share (the certificate made in
 * memory, the ticket keys, the demonstration backend), starts workers again that died, and answers for all of them.
 */
export async function serveWithWorkers(host: Host, runtime: Runtime, settings: Settings, count: number): Promise<void> {
  const { maxConnections, listen } = settings;
  const each: Settings = {
    ...settings,
    workers: undefined,
    maxConnections: maxConnections && Math.ceil(maxConnections / count),
  };
  const log = createLog(host, settings);
  const service = await createService(host, runtime, each, log, new Metrics());
  const { engine, certificates, tickets, demo } = service;
  const shared = (): Shared => ({
    ...(demo && { target: demo.address }),
    ...(certificates.selfSigned && { selfSigned: certificates.selfSigned }),
    ticketKeys: tickets.export(Date.now()),
    reusePort: runtime.sharesPorts,
  });
  // Ticket keys they get from here.
  const workers = new WorkerPool(host, log, { ...each, ticketKeyFile: undefined }, shared);
  const metricsListener = await startMetrics(engine, settings, log, () => workers.renderMetrics());
  await refuseBusyPorts(service.terminator);
  // Port 0: the first finds out which it is, the others join it there.
  const addresses = await workers.startFirst();
  await workers.startOthers(count - 1, runtime.sharesPorts ? addresses : listen);

  service.warn();
  for (const address of addresses) log.info('listening', { address: formatAddress(address), workers: count });
  const forget = introduce(host, addresses, service);
  const shareTicketKeys = (): void => workers.tellAll({ type: 'ticket_keys', keys: tickets.export(Date.now()) });
  const rotation = setInterval(shareTicketKeys, TICKET_KEY_INTERVAL);
  const reload = async (): Promise<Certificates> => {
    // A file that is wrong is found here, before any worker is told.
    const reloaded = await reloadFiles(runtime, settings, service);
    if (settings.certificateFiles.length + settings.echFiles.length > 0) workers.tellAll({ type: 'reload' });
    shareTicketKeys();
    return reloaded;
  };
  handleSignals({ host, settings, log, reload, drain: () => workers.drain() }, () => {
    clearInterval(rotation);
    workers.killAll();
    demo?.close();
    metricsListener?.close();
    forget();
  });
}

/** Listeners that share a port do not see that a stranger is on it. So this process tries it once, for itself alone. */
async function refuseBusyPorts(terminator: Terminator): Promise<void> {
  await startListening(terminator);
  terminator.stopListening();
}
