#!/usr/bin/env node
import { loadRuntime } from '../terminator/runtime.ts';
import { runCommand } from './command.ts';
import { loadHost } from './host.ts';

await runCommand(await loadHost(), await loadRuntime());
