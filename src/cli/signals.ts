import type { Log } from '../observe/log.ts';
import type { Certificates } from './certificates.ts';
import type { Host } from './host.ts';
import type { Settings } from './settings.ts';
import { oneLine } from './system_error.ts';

export interface Running {
  readonly host: Host;
  readonly settings: Settings;
  readonly log: Log;
  /** Reads the certificate files again and uses them from then on. */
  readonly reload: () => Promise<Certificates>;
  /** Waits for connections to end; resolves with the number of those that had to be ended. */
  readonly drain: () => Promise<number>;
}

/** SIGTERM and SIGINT drain and exit, a second one exits; SIGHUP reads the certificates again. `cleanUp` runs before the exit. */
export function handleSignals(running: Running, cleanUp: () => void): void {
  const { host, log, drain } = running;
  let draining = false;
  const stop = async (signal: string): Promise<void> => {
    if (draining) {
      cleanUp();
      host.exit(1);
      return;
    }
    draining = true;
    const drained = drain();
    log.info('draining', { signal });
    const ended = await drained;
    if (ended > 0) log.warning('drain timeout: connections ended', { connections: ended });
    log.info('stopped');
    cleanUp();
    host.exit(0);
  };
  host.onSignal('SIGTERM', () => void stop('SIGTERM'));
  host.onSignal('SIGINT', () => void stop('SIGINT'));
  host.onSignal('SIGHUP', () => void reloadCertificates(running));
}

/** A file that is wrong now leaves the certificates as they are. */
async function reloadCertificates({ settings, log, reload }: Running): Promise<void> {
  const { certificateFiles, ticketKeyFile, echFiles } = settings;
  if (certificateFiles.length === 0 && ticketKeyFile === undefined && echFiles.length === 0) {
    log.info('nothing to reload: the certificate was made in memory');
    return;
  }
  try {
    const { all, warnings } = await reload();
    for (const problem of warnings) log.warning('certificate', { problem });
    log.info('certificates reloaded', { certificates: all.length });
  } catch (error) {
    log.error('certificates not reloaded, the old ones stay', { problem: oneLine(error) });
  }
}
