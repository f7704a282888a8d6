import { UsageError } from '../error.ts';
import { createEngine } from '../terminator/engine.ts';
import type { Runtime } from '../terminator/runtime.ts';
import { VERSION } from '../version.ts';
import { parseConfigFile } from './config_file.ts';
import { makeEchFile } from './ech_keys.ts';
import { parseFlags } from './flags.ts';
import { helpText } from './help.ts';
import type { Host } from './host.ts';
import { serve } from './serve.ts';
import { makeSettings } from './settings.ts';
import { oneLine, readText } from './system_error.ts';
import { runWorker } from './worker.ts';
import { serveWithWorkers } from './workers.ts';

/** Wrong input: nothing was opened, and the same input will fail again. */
const EXIT_USAGE = 2;
const EXIT_FAILURE = 1;

/** The whole command. Wrong input ends it with one line that says what, where and how to mend it. */
export async function runCommand(host: Host, runtime: Runtime): Promise<void> {
  if (host.parent !== undefined) return runWorker(host, runtime, host.parent);
  try {
    const flags = parseFlags(host.args);
    if (flags.help) return host.print(helpText());
    if (flags.version) return host.print(`sallyport ${VERSION}\n`);
    if (flags.makeEch !== undefined) return host.print(makeEchFile(await createEngine(runtime), flags.makeEch));
    const { configFile } = flags;
    const fromFile = configFile === undefined ? [] : parseConfigFile(configFile, readText(runtime, configFile));
    const settings = makeSettings(fromFile, flags.given);
    const workers = settings.workers === 'auto' ? host.processors : settings.workers;
    if (workers === undefined) await serve(host, runtime, settings);
    else await serveWithWorkers(host, runtime, settings, workers);
  } catch (error) {
    host.printError(`sallyport: ${oneLine(error)}\n`);
    host.exit(error instanceof UsageError ? EXIT_USAGE : EXIT_FAILURE);
  }
}
