// Loaded before the command (`node --expose-gc --import`): at SIGUSR2 it collects garbage and writes what is left as a line of JSON.
import { getHeapSnapshot } from 'node:v8';

process.on('SIGUSR2', async () => {
  globalThis.gc();
  globalThis.gc();
  // Before the snapshot, which needs memory itself.
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const chunks = [];
  for await (const chunk of getHeapSnapshot()) chunks.push(chunk);
  const kinds = byKind(JSON.parse(chunks.join('')));
  process.stderr.write(`${JSON.stringify({ heapUsed, arrayBuffers, kinds })}\n`);
});

/** Number and bytes of each kind of object. */
function byKind({ snapshot, nodes, strings }) {
  const fields = snapshot.meta.node_fields;
  const [type, name, size] = ['type', 'name', 'self_size'].map((field) => fields.indexOf(field));
  const types = snapshot.meta.node_types[type];
  const kinds = {};
  for (let at = 0; at < nodes.length; at += fields.length) {
    const of = types[nodes[at + type]];
    // Strings and arrays have what they hold as their name.
    const kind = of === 'object' || of === 'native' ? strings[nodes[at + name]] : `(${of})`;
    const entry = kinds[kind] ??= [0, 0];
    entry[0]++;
    entry[1] += nodes[at + size];
  }
  return kinds;
}
