import { UsageError } from '../error.ts';
import { Metrics, type MetricsSnapshot } from '../observe/metrics.ts';
import type { TicketKey } from '../session/ticket_key_ring.ts';
import type { Address } from '../socket/socket.ts';
import type { Runtime } from '../terminator/runtime.ts';
import type { Host, ParentPort } from './host.ts';
import { ParentRegister } from './parent_register.ts';
import { createLog, createService, reloadFiles, type Service, type Shared, startListening } from './serve.ts';
import type { Settings } from './settings.ts';
import { oneLine } from './system_error.ts';

/** What the leading process tells a worker. */
export type ToWorker =
  | { readonly type: 'start'; readonly settings: Settings; readonly shared: Shared }
  | { readonly type: 'ticket_keys'; readonly keys: readonly TicketKey[] }
  /** The answer to a question of the same type. */
  | { readonly type: 'early_data'; readonly question: number; readonly accepted: boolean }
  | { readonly type: 'reload' }
  | { readonly type: 'count' }
  | { readonly type: 'drain' };

/** What a worker tells it. */
export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'listening'; readonly addresses: readonly Address[] }
  /** Could not start. `usage`: because of what the user gave. */
  | { readonly type: 'refused'; readonly message: string; readonly usage: boolean }
  /** May early data with this binder be accepted? */
  | { readonly type: 'early_data'; readonly question: number; readonly binder: Uint8Array }
  | { readonly type: 'reloaded'; readonly problem: string | undefined }
  | { readonly type: 'counted'; readonly metrics: MetricsSnapshot }
  | { readonly type: 'drained'; readonly ended: number };

/** Serves as the leading process says. It gets the signals too (a terminal sends them to all): they are not for a worker. */
export function runWorker(host: Host, runtime: Runtime, parent: ParentPort): void {
  const metrics = new Metrics();
  let service: Service | undefined;
  let settings: Settings;
  const tell = (message: FromWorker): void => parent.send(message);
  const register = new ParentRegister((question, binder) => tell({ type: 'early_data', question, binder }));

  const start = async (shared: Shared): Promise<void> => {
    try {
      service = await createService(host, runtime, settings, createLog(host, settings), metrics, shared, register);
      await startListening(service.terminator);
      tell({ type: 'listening', addresses: service.terminator.addresses });
    } catch (error) {
      tell({ type: 'refused', message: oneLine(error), usage: error instanceof UsageError });
    }
  };
  const reload = async (service: Service): Promise<void> => {
    try {
      service.terminator.replaceCredentials((await reloadFiles(runtime, settings, service)).all);
      tell({ type: 'reloaded', problem: undefined });
    } catch (error) {
      tell({ type: 'reloaded', problem: oneLine(error) });
    }
  };

  parent.onMessage((received) => {
    const message = received as ToWorker;
    if (message.type === 'start') {
      settings = message.settings;
      void start(message.shared);
    }
    if (service === undefined) return;
    if (message.type === 'early_data') register.answer(message.question, message.accepted);
    else if (message.type === 'ticket_keys') service.tickets.replace(message.keys);
    else if (message.type === 'reload') void reload(service);
    else if (message.type === 'count') tell({ type: 'counted', metrics: metrics.snapshot() });
    else if (message.type === 'drain') {
      void service.terminator.drain(settings.drainTimeout).then((ended) => tell({ type: 'drained', ended }));
    }
  });
  if (runtime.name === 'node') {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) host.onSignal(signal, () => {});
  }
  tell({ type: 'ready' });
}
