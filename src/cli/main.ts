#!/usr/bin/env -S node --min-semi-space-size=4 --max-semi-space-size=4
import { loadRuntime } from '../terminator/runtime.ts';
import { runCommand } from './command.ts';
import { loadHost } from './host.ts';

await runCommand(await loadHost(), await loadRuntime());
